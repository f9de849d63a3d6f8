import type { Exposure } from '@bursar/core'
import type { AddCommand } from '../command.ts'
import { addOwnerOptions, readOwner } from '../owner-options.ts'
import { formatTerminalTable } from '../terminal.ts'

/** Adds `bursar exposure`, which shows the money that signed, open payments can still move. */
export const addExposure: AddCommand = (program, context) => {
  const exposure = program
    .command('exposure')
    .summary('show the money that signed payments can still move')
    .description(
      'Shows the open payments that may be signed, and the most money that they can still move, and until when. Revoking a session or delegation leaves them open.',
    )
  addOwnerOptions(exposure).action((options) =>
    context.withGuard(async ({ management }) => {
      const found = await management.exposure(readOwner(options))
      context.answer(found, describeExposure(found))
    }),
  )
}

function describeExposure({ payments, most, until, complete }: Exposure): string {
  if (payments.length === 0) return 'No open payment can move money.'
  const rows = payments.map((one) => [
    one.id,
    one.state,
    `${one.amount} ${one.currency}`,
    one.merchant,
    one.until,
    one.cancellable ? 'yes' : 'no',
  ])
  const sums = most.map(({ amount, currency }) => `${amount} ${currency}`).join(' and ')
  const more = complete ? '' : ' The list is not complete: there are more payments.'
  const headings = ['ID', 'STATE', 'AMOUNT', 'MERCHANT', 'UNTIL', 'CANCELLABLE']
  return `${formatTerminalTable(headings, rows)}\n\nAt most ${sums} can still move, until ${until}.${more}`
}
