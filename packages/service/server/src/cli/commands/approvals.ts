import type { ApprovalSummary } from '@bursar/core'
import type { AddCommand } from '../command.ts'
import { addPageOptions, describeNextPage, readPage } from '../pagination.ts'

const endUserFlag = ['--end-user <name>', 'who is asked'] as const
const approvalArgument = ['<approval>', 'its id, such as apr_…'] as const

/** Adds `bursar approvals`, which lists and answers approval requests. */
export const addApprovals: AddCommand = (program, context) => {
  const approvals = program
    .command('approvals')
    .summary('list and answer what end users are asked')
    .description(
      'What end users are asked. Whoever runs this answers in the name of the end user, and has to have their word.',
    )
  const list = approvals
    .command('list')
    .summary('list what an end user is asked')
    .description('Lists what an end user is asked, oldest first.')
    .requiredOption(...endUserFlag)
    .option('--waiting', 'only what still waits for an answer')
  addPageOptions(list).action((options) =>
    context.withGuard(async (bursar) => {
      const { endUser, waiting = false } = options
      const found = await bursar.endUser(endUser).approvals({ waiting }, readPage(options))
      const text = found.rows.map(formatApproval).join('\n\n') || 'Nothing is asked.'
      context.answer(found, `${text}${describeNextPage(found, options)}`)
    }),
  )
  approvals
    .command('approve')
    .summary('say yes')
    .description(
      'Says yes to exactly the terms on the card, once. It is used when the agent asks again.',
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
    .summary('say no')
    .description(
      'Says no, for as long as the session lives. A yes that was not used yet is taken back.',
    )
    .argument(...approvalArgument)
    .requiredOption(...endUserFlag)
    .option('--reason <text>', 'why, for the record')
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
