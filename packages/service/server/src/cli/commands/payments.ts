import type { Cancellation, CancelTarget, PaymentSummary } from '@bursar/core'
import type { AddCommand, CommandContext } from '../command.ts'
import { addOwnerOptions, readOwner } from '../owner-options.ts'
import { addPageOptions, describeNextPage, readPage } from '../pagination.ts'
import { formatTerminalTable, showTerminalProgress } from '../terminal.ts'

/** Adds `bursar payments`, which lists, shows and cancels payments. */
export const addPayments: AddCommand = (program, context) => {
  const payments = program
    .command('payments')
    .summary('list, show and cancel payments')
    .description('Lists, shows and cancels payments, in every state.')
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
        `${formatTerminalTable(headings, found.rows.map(formatPayment))}${describeNextPage(found, options)}`,
      )
    }),
  )
  payments
    .command('show')
    .summary('show one payment')
    .description('Shows one payment with its terms, state, delivery and proof.')
    .argument('<payment>', 'the id of the payment, such as pay_…')
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
  addPaymentCancel(payments, context)
}

/** Adds `bursar payments cancel`, which asks the network to invalidate signed payments. */
function addPaymentCancel(payments: Parameters<AddCommand>[0], context: CommandContext): void {
  payments
    .command('cancel')
    .summary('ask the network to invalidate signed payments')
    .description(
      'Asks the network to invalidate the signature of one payment, or of all open payments of a session or delegation. Revoke the session or delegation first, so that ' +
        'no new payment starts. A settled payment stays settled, and only proof releases a hold: check the outcome with bursar payments show. The exit code is 3 ' +
        'if a payment cannot be cancelled, and 5 if it is unknown whether the network was asked.',
    )
    .argument('[payment]', 'the id of the payment, such as pay_…')
    .option('--session <id>', 'all open payments of a session')
    .option('--delegation <id>', 'all open payments of a delegation')
    .option(
      '--end-user <name>',
      'cancel in the name of this end user, also before the session or delegation ended',
    )
    .option('--reason <text>', 'the reason, for the audit trail')
    .option('--after <cursor>', 'continue after the result that printed this cursor')
    .action((payment, { session, delegation, endUser, reason, after }) =>
      context.withGuard(async (bursar) => {
        const may = endUser === undefined ? bursar.management : bursar.endUser(endUser)
        const named = Object.entries({ payment, session, delegation })
        const target = Object.fromEntries(named.filter(([, id]) => id !== undefined))
        const line = (seconds: number): string => `cancelling, ${seconds} s`
        const found = await showTerminalProgress(context.terminal, line, () =>
          may.cancel(target as CancelTarget, { reason, after }),
        )
        if (found.refused + found.unavailable > 0) context.endWith('refused')
        if (found.unknown > 0) context.endWith('unavailable')
        context.answer(found, describePaymentCancellation(found))
      }),
    )
}

function describePaymentCancellation({ payments, cursor }: Cancellation): string {
  const rows = payments.map(({ id, outcome, reason, transaction }) => [
    id,
    outcome,
    transaction ?? reason ?? '',
  ])
  const text =
    rows.length === 0 ? 'No payment is open.' : formatTerminalTable(['ID', 'OUTCOME', ''], rows)
  return cursor === undefined ? text : `${text}\nFor more, add --after ${cursor}`
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
