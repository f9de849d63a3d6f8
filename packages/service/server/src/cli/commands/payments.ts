import type { Cancellation, CancelTarget, PaymentSummary } from '@bursar/core'
import type { AddCommand, CommandContext } from '../command.ts'
import { addOwnerOptions, readOwner } from '../owner-options.ts'
import { addPageOptions, describeNextPage, readPage } from '../pagination.ts'
import { formatTable, showProgress } from '../terminal.ts'

/** Adds `bursar payments`, which lists, shows and cancels payments. */
export const addPayments: AddCommand = (program, context) => {
  const payments = program
    .command('payments')
    .summary('list, show and cancel payments')
    .description('The payments of the ledger, whatever became of them.')
  const list = payments
    .command('list')
    .summary('list payments')
    .description('Lists payments, oldest first.')
  addPageOptions(addOwnerOptions(list)).action((options) =>
    context.withGuard(async ({ auditing }) => {
      const found = await auditing.payments(readOwner(options), readPage(options))
      const headings = ['ID', 'STATE', 'AMOUNT', 'MERCHANT', 'RESERVED', 'SESSION']
      context.answer(
        found,
        `${formatTable(headings, found.rows.map(formatPayment))}${describeNextPage(found, options)}`,
      )
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
  payments
    .command('allow-again')
    .summary('allow an undelivered request once more')
    .description(
      'Allows the request of an undelivered payment to be paid for once more: within 15 minutes, at its price or less. ' +
        'Without this, the request is answered as undelivered until the permission ends. You act for the end user and need their word.',
    )
    .argument('<payment>', 'its id, such as pay_…')
    .requiredOption('--end-user <name>', 'the end user whose money it is')
    .option('--reason <text>', 'why, for the record')
    .action((payment, { endUser, ...reason }) =>
      context.withGuard(async (bursar) => {
        const allowed = await bursar.endUser(endUser).allowAgain(payment, reason)
        const { id, amount, currency, merchant } = allowed
        context.answer(
          allowed,
          `The request of ${id} may be paid for once more within 15 minutes: at most ${amount} ${currency} to ${merchant}.`,
        )
      }),
    )
  addCancel(payments, context)
}

/** Adds `bursar payments cancel`, which asks the network to invalidate signed payments. */
function addCancel(payments: Parameters<AddCommand>[0], context: CommandContext): void {
  payments
    .command('cancel')
    .summary('ask the network to make unusable what was signed')
    .description(
      'Asks the network to make unusable what was signed: one payment, or everything that is open of a session or a permission. Revoke first, so that ' +
        'nothing new comes. What has settled before stays so, and only proof ends a hold: bursar payments show tells what came of it. Ends with 3 ' +
        'if some cannot be cancelled, with 5 if it is not known of some whether the network was asked.',
    )
    .argument('[payment]', 'its id, such as pay_…')
    .option('--session <id>', 'all of one session')
    .option('--delegation <id>', 'all of one permission')
    .option('--end-user <name>', 'in the name of whom, who may cancel what has not ended as well')
    .option('--reason <text>', 'why, for the record')
    .option('--after <cursor>', 'go on behind the answer that told this cursor')
    .action((payment, { session, delegation, endUser, reason, after }) =>
      context.withGuard(async (bursar) => {
        const may = endUser === undefined ? bursar.management : bursar.endUser(endUser)
        const named = Object.entries({ payment, session, delegation })
        const target = Object.fromEntries(named.filter(([, id]) => id !== undefined))
        const line = (seconds: number): string => `asking, ${seconds} s`
        const found = await showProgress(context.terminal, line, () =>
          may.cancel(target as CancelTarget, { reason, after }),
        )
        if (found.refused + found.unavailable > 0) context.endWith('refused')
        if (found.unknown > 0) context.endWith('unavailable')
        context.answer(found, describeCancellation(found))
      }),
    )
}

function describeCancellation({ payments, cursor }: Cancellation): string {
  const rows = payments.map(({ id, outcome, reason, transaction }) => [
    id,
    outcome,
    transaction ?? reason ?? '',
  ])
  const text = rows.length === 0 ? 'Nothing is open.' : formatTable(['ID', 'OUTCOME', ''], rows)
  return cursor === undefined ? text : `${text}\nMore with --after ${cursor}`
}

function formatPayment({
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
