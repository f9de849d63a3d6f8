import type { ApprovalSummary } from '@bursar/core'
import type { AddCommand } from '../command.ts'
import { addPageOptions, describeNextPage, readPage } from '../pagination.ts'

const endUserFlag = ['--end-user <name>', 'the end user whose approval is needed'] as const
const approvalArgument = ['<approval>', 'the id of the approval, such as apr_…'] as const

/** Adds `bursar approvals`, which lists and answers approval requests. */
export const addApprovals: AddCommand = (program, context) => {
  const approvals = program
    .command('approvals')
    .summary('list, approve and deny approval requests')
    .description(
      'Lists and answers the approval requests of end users. You answer in the name of the end user, so get their answer first.',
    )
  const list = approvals
    .command('list')
    .summary('list the approval requests of an end user')
    .description('Lists the approval requests of an end user, oldest first.')
    .requiredOption(...endUserFlag)
    .option('--waiting', 'only requests that wait for an answer')
  addPageOptions(list).action((options) =>
    context.withGuard(async (bursar) => {
      const { endUser, waiting = false } = options
      const found = await bursar.endUser(endUser).approvals({ waiting }, readPage(options))
      const text = found.rows.map(formatApproval).join('\n\n') || 'No approval requests.'
      context.answer(found, `${text}${describeNextPage(found, options)}`)
    }),
  )
  approvals
    .command('approve')
    .summary('approve a payment')
    .description(
      'Approves one payment with exactly the terms of the approval. The payment is made when the agent asks for it again.',
    )
    .argument(...approvalArgument)
    .requiredOption(...endUserFlag)
    .action((approval, { endUser }) =>
      context.withGuard(async (bursar) => {
        const approved = await bursar.endUser(endUser).approve(approval)
        context.answer(approved, `${approved.id} is ${approved.state}.`)
      }),
    )
  approvals
    .command('deny')
    .summary('deny a payment')
    .description('Denies these terms until the session ends. An unused approval is withdrawn.')
    .argument(...approvalArgument)
    .requiredOption(...endUserFlag)
    .option('--reason <text>', 'the reason, for the audit trail')
    .action((approval, { endUser, ...reason }) =>
      context.withGuard(async (bursar) => {
        const denied = await bursar.endUser(endUser).deny(approval, reason)
        context.answer(denied, `${denied.id} is ${denied.state}.`)
      }),
    )
}

/**
 * Formats every field of the approval card, because an end user can only approve terms that were
 * shown.
 */
function formatApproval({ id, state, expiresAt, card: shown }: ApprovalSummary): string {
  return [
    `${id}  ${state}, until ${expiresAt}`,
    `  ${shown.amount} ${shown.currency} to ${shown.merchant} (${shown.payee} on ${shown.network})`,
    ...(shown.sellerSays === undefined ? [] : [`  the seller says: ${shown.sellerSays}`]),
    `  for ${shown.resource}`,
    // The model wrote this text: JSON escapes control characters that could move the cursor.
    `  the agent ${shown.agent} says, unchecked: ${JSON.stringify(shown.agentSays)}`,
  ].join('\n')
}
