import type { SessionSummary } from '@bursar/core'
import type { AddCommand, CommandContext } from '../command.ts'
import {
  addLimitChangeOptions,
  addLimitOptions,
  addMerchantOption,
  addRuleOptions,
  readChangedLimits,
  readLimits,
  readRuleOptions,
} from '../limit-options.ts'
import { addPageOptions, describeNextPage, readPage } from '../pagination.ts'
import { formatTerminalTable } from '../terminal.ts'

const sessionArgument = ['<session>', 'the id of the session, such as ses_…'] as const
const reasonFlag = ['--reason <text>', 'the reason, for the audit trail'] as const

/** Adds `bursar sessions`, which creates, lists, changes, revokes and unlocks payment sessions. */
export const addSessions: AddCommand = (program, context) => {
  const sessions = program
    .command('sessions')
    .summary('create, list, change, revoke and unlock sessions')
    .description(
      'Manages payment sessions. A session limits how much one agent may spend, where, and until when.',
    )
  const create = sessions
    .command('create')
    .summary('create a session within a delegation')
    .description(
      'Creates a session within a delegation and prints its token once. The token pays only together with the key of its payer.',
    )
    .requiredOption('--delegation <id>', 'the delegation to spend from')
    .requiredOption('--payer <key>', 'the id of the agent’s payer key, such as key_…')
    .option('--name <name>', 'a name; under it the same session is found, with one more token')
    .option(
      '--expires-in <duration>',
      'the lifetime, such as 30m (default: that of the delegation)',
    )
  addRuleOptions(addLimitOptions(create)).action((options) =>
    context.withGuard(async ({ management }) => {
      const { delegation, name, payer, expiresIn } = options
      const limits = readLimits(options)
      const input = { delegation, name, payer, expiresIn, limits, ...readRuleOptions(options) }
      const created = await management.createSession(input)
      context.answer(created, created.token)
      if (context.isJson()) return
      const { id, expiresAt } = created
      context.terminal.error.write(`${id} expires at ${expiresAt}. The token is not shown again.\n`)
    }),
  )
  const list = sessions
    .command('list')
    .summary('list sessions')
    .description('Lists sessions, oldest first.')
    .option('--delegation <id>', 'only sessions of this delegation')
    .option('--end-user <name>', 'only sessions of this end user')
  addPageOptions(list).action((options) =>
    context.withGuard(async ({ management }) => {
      const { delegation, endUser } = options
      const filter = {
        ...(delegation === undefined ? {} : { delegation }),
        ...(endUser === undefined ? {} : { endUser }),
      }
      const found = await management.sessions(filter, readPage(options))
      const headings = ['ID', 'STATE', 'LEFT', 'OF', 'HELD', 'EXPIRES', 'PAYER']
      context.answer(
        found,
        `${formatTerminalTable(headings, found.rows.map(formatSession))}${describeNextPage(found, options)}`,
      )
    }),
  )
  addSessionChange(sessions, context)
  addSessionCommands(sessions, context)
}

/** Adds `bursar sessions change`, which changes the limits, expiry or merchants of a session. */
function addSessionChange(sessions: Parameters<AddCommand>[0], context: CommandContext): void {
  const change = sessions
    .command('change')
    .summary('change the limits, expiry or merchants of a session')
    .description(
      'Changes the limits, expiry or merchants of a session, within its delegation and never below what is spent. A value without an option stays as it is.',
    )
    .argument(...sessionArgument)
    .option('--expires-in <duration>', 'the lifetime from now on, such as 30m')
    .option(...reasonFlag)
  addMerchantOption(addLimitChangeOptions(change)).action((session, options) =>
    context.withGuard(async ({ management }) => {
      const { expiresIn, merchant: merchants, reason } = options
      const before = await management.session(session)
      const limits = readChangedLimits(before.limits, options)
      const input = { limits, expiresIn, merchants, reason }
      const changed = await management.changeSession(session, input)
      const { id, remaining, limits: now, expiresAt } = changed
      const left = `${remaining} of ${now.total} ${now.currency}`
      context.answer(changed, `${id} has ${left} left, until ${expiresAt}.`)
    }),
  )
}

/** Adds the commands that show, revoke and unlock one session. */
function addSessionCommands(sessions: Parameters<AddCommand>[0], context: CommandContext): void {
  sessions
    .command('show')
    .summary('show one session')
    .description('Shows one session with its limits, rules and spending.')
    .argument(...sessionArgument)
    .action((session) =>
      context.withGuard(async ({ management }) => {
        const found = await management.session(session)
        context.answer(found, JSON.stringify(found, null, 2))
      }),
    )
  sessions
    .command('revoke')
    .summary('revoke a session')
    .description(
      'Revokes a session for good, so that no new payment starts. To see the payments that may be signed already, run bursar exposure.',
    )
    .argument(...sessionArgument)
    .option(...reasonFlag)
    .action((session, reason) =>
      context.withGuard(async ({ management }) => {
        const revoked = await management.revokeSession(session, reason)
        context.answer(revoked, `${revoked.id} is ${revoked.state}.`)
      }),
    )
  sessions
    .command('unlock')
    .summary('unlock a session that an overrun locked')
    .description('Unlocks a session that was locked because it spent more than its limits allow.')
    .argument(...sessionArgument)
    .option(...reasonFlag)
    .action((session, reason) =>
      context.withGuard(async ({ management }) => {
        const unlocked = await management.unlockSession(session, reason)
        context.answer(unlocked, `${unlocked.id} is ${unlocked.state}.`)
      }),
    )
}

function formatSession({
  id,
  state,
  remaining,
  limits,
  held,
  expiresAt,
  payer,
}: SessionSummary): string[] {
  return [id, state, remaining, `${limits.total} ${limits.currency}`, held, expiresAt, payer ?? '']
}
