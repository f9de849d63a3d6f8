import type { DelegationSummary } from '@bursar/core'
import type { AddCommand, CommandContext } from '../command.ts'
import { addLimitOptions, addRuleOptions, readLimits, readRuleOptions } from '../limit-options.ts'
import { addPageOptions, describeNextPage, readPage } from '../pagination.ts'
import { formatTerminalTable } from '../terminal.ts'

const endUserFlag = ['--end-user <name>', 'the end user who granted them'] as const

/** Adds `bursar delegations`, which grants, lists and revokes delegations of end users. */
export const addDelegations: AddCommand = (program, context) => {
  const delegations = program
    .command('delegations')
    .summary('grant, list and revoke delegations of end users')
    .description(
      'Manages delegations, the permissions of end users for agents to spend. You act in the name of the end user, so get their consent first.',
    )
  addDelegationGrant(delegations, context)
  const list = delegations
    .command('list')
    .summary('list the delegations of an end user')
    .description('Lists the delegations of an end user, oldest first.')
    .requiredOption(...endUserFlag)
  addPageOptions(list).action((options) =>
    context.withGuard(async (bursar) => {
      const found = await bursar.endUser(options.endUser).delegations(readPage(options))
      const headings = ['ID', 'STATE', 'AGENT', 'INSTRUMENT', 'LEFT', 'OF', 'EXPIRES']
      context.answer(
        found,
        `${formatTerminalTable(headings, found.rows.map(formatDelegation))}${describeNextPage(found, options)}`,
      )
    }),
  )
  delegations
    .command('permission')
    .summary('read the permission at the wallet provider')
    .description(
      'Reads from the wallet provider whether its own permission for a delegation still exists.',
    )
    .argument('<delegation>', 'the id of the delegation, such as del_…')
    .requiredOption(...endUserFlag)
    .action((delegation, { endUser }) =>
      context.withGuard(async (bursar) => {
        const permission = await bursar.endUser(endUser).readPermission(delegation)
        context.answer({ permission }, `The permission at the wallet provider is ${permission}.`)
      }),
    )
  delegations
    .command('revoke')
    .summary('revoke a delegation')
    .description(
      'Revokes a delegation, so that no new payment starts. To see the payments that may be signed already, run bursar exposure.',
    )
    .argument('<delegation>', 'the id of the delegation, such as del_…')
    .requiredOption(...endUserFlag)
    .option('--reason <text>', 'the reason, for the audit trail')
    .action((delegation, { endUser, ...reason }) =>
      context.withGuard(async (bursar) => {
        const revoked = await bursar.endUser(endUser).revokeDelegation(delegation, reason)
        context.answer(revoked, `${revoked.id} is ${revoked.state}.`)
      }),
    )
}

/** Adds `bursar delegations grant`, which gives an agent a delegation. */
function addDelegationGrant(delegations: Parameters<AddCommand>[0], context: CommandContext): void {
  const grant = delegations
    .command('grant')
    .summary('grant an agent permission to spend')
    .description(
      'Grants an agent permission to spend from an instrument, in the name of the end user who owns it. The instrument must hold a balance.',
    )
    .requiredOption('--end-user <name>', 'the end user who owns the instrument')
    .requiredOption('--agent <name>', 'the agent that may spend')
    .requiredOption(
      '--instrument <handle>',
      'the instrument to spend from, as the configuration names it',
    )
    .requiredOption('--expires-in <duration>', 'the lifetime of the delegation, such as 30d')
    .option('--name <name>', 'a name; the same grant under it is made once')
    .requiredOption('--consent <how>', 'how the end user consented, such as "settings page"')
    .option('--reference <id>', 'where the evidence of the consent is kept')
  addRuleOptions(addLimitOptions(grant)).action((options) =>
    context.withGuard(async (bursar) => {
      const { endUser, agent, name, instrument, expiresIn, consent: how, reference } = options
      const granted = await bursar.endUser(endUser).grantDelegation({
        ...{ agent, name, instrument, expiresIn },
        limits: readLimits(options),
        ...readRuleOptions(options),
        consent: { how, reference },
      })
      context.answer(granted, granted.id)
    }),
  )
}

function formatDelegation({
  id,
  state,
  agent,
  instrument,
  remaining,
  limits,
  expiresAt,
}: DelegationSummary): string[] {
  return [id, state, agent, instrument, remaining, `${limits.total} ${limits.currency}`, expiresAt]
}
