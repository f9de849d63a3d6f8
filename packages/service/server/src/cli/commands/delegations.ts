import type { DelegationSummary } from '@bursar/core'
import type { AddCommand, CommandContext } from '../command.ts'
import { addLimitOptions, addRuleOptions, readLimits, readRules } from '../limit-options.ts'
import { addPageOptions, describeNextPage, readPage } from '../pagination.ts'
import { formatTable } from '../terminal.ts'

const endUserFlag = ['--end-user <name>', 'whose they are'] as const

/** Adds `bursar delegations`, which grants, lists and revokes delegations of end users. */
export const addDelegations: AddCommand = (program, context) => {
  const delegations = program
    .command('delegations')
    .summary('grant, list and withdraw permissions of end users')
    .description(
      'The permissions that end users give agents. Whoever runs this acts in the name of the end user, and has to have their consent.',
    )
  addGrant(delegations, context)
  const list = delegations
    .command('list')
    .summary('list the permissions of an end user')
    .description('Lists the permissions of an end user, oldest first.')
    .requiredOption(...endUserFlag)
  addPageOptions(list).action((options) =>
    context.withGuard(async (bursar) => {
      const found = await bursar.endUser(options.endUser).delegations(readPage(options))
      const headings = ['ID', 'STATE', 'AGENT', 'INSTRUMENT', 'LEFT', 'OF', 'EXPIRES']
      context.answer(
        found,
        `${formatTable(headings, found.rows.map(formatDelegation))}${describeNextPage(found, options)}`,
      )
    }),
  )
  delegations
    .command('permission')
    .summary('ask the provider of the wallet about a permission')
    .description(
      'Asks the provider of the wallet whether it still has its own permission for a delegation.',
    )
    .argument('<delegation>', 'its id, such as del_…')
    .requiredOption(...endUserFlag)
    .action((delegation, { endUser }) =>
      context.withGuard(async (bursar) => {
        const permission = await bursar.endUser(endUser).readPermission(delegation)
        context.answer({ permission }, `The permission is ${permission}.`)
      }),
    )
  delegations
    .command('revoke')
    .summary('withdraw a permission')
    .description(
      'Withdraws a permission: nothing more is reserved. What may be signed already, bursar exposure shows.',
    )
    .argument('<delegation>', 'its id, such as del_…')
    .requiredOption(...endUserFlag)
    .option('--reason <text>', 'why, for the record')
    .action((delegation, { endUser, ...reason }) =>
      context.withGuard(async (bursar) => {
        const revoked = await bursar.endUser(endUser).revokeDelegation(delegation, reason)
        context.answer(revoked, `${revoked.id} is ${revoked.state}.`)
      }),
    )
}

/** Adds `bursar delegations grant`, which gives an agent a delegation. */
function addGrant(delegations: Parameters<AddCommand>[0], context: CommandContext): void {
  const grant = delegations
    .command('grant')
    .summary('give an agent permission to spend')
    .description(
      'Gives an agent permission to spend from an instrument of the end user, in their name. The instrument has to hold something.',
    )
    .requiredOption('--end-user <name>', 'whose money it is')
    .requiredOption('--agent <name>', 'who may spend')
    .requiredOption('--instrument <handle>', 'what is spent from, as the configuration names it')
    .requiredOption('--expires-in <duration>', 'when it ends, such as 30d')
    .requiredOption('--consent <how>', 'where the end user has said yes, such as "settings page"')
    .option('--reference <id>', 'where the evidence of it is')
  addRuleOptions(addLimitOptions(grant)).action((options) =>
    context.withGuard(async (bursar) => {
      const { endUser, agent, instrument, expiresIn, consent: how, reference } = options
      const granted = await bursar.endUser(endUser).grantDelegation({
        agent,
        instrument,
        expiresIn,
        limits: readLimits(options),
        ...readRules(options),
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
