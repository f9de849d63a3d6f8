import type { PaymentSummary } from '@bursar/core'
import type { AddCommand } from '../command.ts'
import { ownerFrom, ownerOptions } from '../owner-options.ts'
import { page, pageOptions, rest } from '../page.ts'
import { table } from '../terminal.ts'

/** `bursar payments`: what was paid. */
export const addPayments: AddCommand = (program, context) => {
  const payments = program
    .command('payments')
    .summary('list and show payments')
    .description('The payments of the ledger, whatever became of them.')
  const list = payments
    .command('list')
    .summary('list payments')
    .description('Lists payments, oldest first.')
  pageOptions(ownerOptions(list)).action((options) =>
    context.withGuard(async ({ auditing }) => {
      const found = await auditing.payments(ownerFrom(options), page(options))
      const headings = ['ID', 'STATE', 'AMOUNT', 'MERCHANT', 'RESERVED', 'SESSION']
      context.answer(found, `${table(headings, found.rows.map(row))}${rest(found, options)}`)
    }),
  )
  payments
    .command('show')
    .summary('show one payment')
    .description(
      'Shows one payment: terms, state, what was delivered, and the evidence of its end.',
    )
    .argument('<payment>', 'its id, such as pay_…')
    .action((payment) =>
      context.withGuard(async ({ auditing }) => {
        const found = await auditing.payment(payment)
        context.answer(found, JSON.stringify(found, null, 2))
      }),
    )
}

function row({
  id,
  state,
  amount,
  currency,
  merchant,
  reservedAt,
  session,
}: PaymentSummary): string[] {
  return [id, state, `${amount} ${currency}`, merchant, reservedAt, session]
}
