import type { Exposure } from '@bursar/core'
import type { AddCommand } from '../command.ts'
import { addOwnerOptions, readOwner } from '../owner-options.ts'
import { formatTable } from '../terminal.ts'

/** Adds `bursar exposure`, which shows the money that signed, open payments can still move. */
export const addExposure: AddCommand = (program, context) => {
  const exposure = program
    .command('exposure')
    .summary('show what can still move')
    .description(
      'Shows what may be signed and is still open: the most that can still move, and until when, although nothing new is reserved.',
    )
  addOwnerOptions(exposure).action((options) =>
    context.withGuard(async ({ management }) => {
      const found = await management.exposure(readOwner(options))
      context.answer(found, describeExposure(found))
    }),
  )
}

function describeExposure({ payments, most, until, complete }: Exposure): string {
  if (payments.length === 0) return 'Nothing can move any more.'
  const rows = payments.map((one) => [
    one.id,
    one.state,
    `${one.amount} ${one.currency}`,
    one.merchant,
    one.until,
    one.cancellable ? 'yes' : 'no',
  ])
  const sums = most.map(({ amount, currency }) => `${amount} ${currency}`).join(' and ')
  const more = complete ? '' : ' There is more: this is not all of it.'
  const headings = ['ID', 'STATE', 'AMOUNT', 'MERCHANT', 'UNTIL', 'CANCELLABLE']
  return `${formatTable(headings, rows)}\n\nAt most ${sums} can still move, until ${until}.${more}`
}
