import type { SessionSummary } from '@bursar/core'
import type { AddCommand, CommandContext } from '../command.ts'
import {
  addLimitChangeOptions,
  addLimitOptions,
  addMerchantOption,
  addRuleOptions,
  readChangedLimits,
  readLimits,
  readRules,
} from '../limit-options.ts'
import { addPageOptions, describeNextPage, readPage } from '../pagination.ts'
import { formatTable } from '../terminal.ts'

const sessionArgument = ['<session>', 'its id, such as ses_…'] as const
const reasonFlag = ['--reason <text>', 'why, for the record'] as const

/** Adds `bursar sessions`, which creates, lists, changes, revokes and unlocks payment sessions. */
export const addSessions: AddCommand = (program, context) => {
  const sessions = program
    .command('sessions')
    .summary('create, list, change, revoke and unlock sessions')
    .description('The payment sessions: what one agent may spend, for how long, and where.')
  const create = sessions
    .command('create')
    .summary('open a session within a delegation')
    .description(
      'Opens a session within a delegation and shows its token, once. The token pays together with the key of its payer only.',
    )
    .requiredOption('--delegation <id>', 'what it draws from')
    .requiredOption('--payer <key>', 'the id of the agent’s key, such as key_…')
    .requiredOption('--expires-in <duration>', 'when it ends, such as 30m')
  addRuleOptions(addLimitOptions(create)).action((options) =>
    context.withGuard(async ({ management }) => {
      const { delegation, payer, expiresIn } = options
      const limits = readLimits(options)
      const input = { delegation, payer, expiresIn, limits, ...readRules(options) }
      const created = await management.createSession(input)
      context.answer(created, created.token)
      if (context.isJson()) return
      const { id, expiresAt } = created
      context.terminal.error.write(`${id}, until ${expiresAt}. It is not shown again.\n`)
    }),
  )
  const list = sessions
    .command('list')
    .summary('list sessions')
    .description('Lists sessions, oldest first.')
    .option('--delegation <id>', 'those of one permission')
    .option('--end-user <name>', 'those of one end user')
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
        `${formatTable(headings, found.rows.map(formatSession))}${describeNextPage(found, options)}`,
      )
    }),
  )
  addChange(sessions, context)
  addEnds(sessions, context)
}

/** Adds `bursar sessions change`, which changes the limits, expiry or merchants of a session. */
function addChange(sessions: Parameters<AddCommand>[0], context: CommandContext): void {
  const change = sessions
    .command('change')
    .summary('narrow, raise or extend a session')
    .description(
      'Narrows, raises or extends a session, within its delegation and never below what is spent. What is not named stays as it is.',
    )
    .argument(...sessionArgument)
    .option('--expires-in <duration>', 'when it ends, from now on, such as 30m')
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
function addEnds(sessions: Parameters<AddCommand>[0], context: CommandContext): void {
  sessions
    .command('show')
    .summary('show one session')
    .description('Shows one session, with all that it may do.')
    .argument(...sessionArgument)
    .action((session) =>
      context.withGuard(async ({ management }) => {
        const found = await management.session(session)
        context.answer(found, JSON.stringify(found, null, 2))
      }),
    )
  sessions
    .command('revoke')
    .summary('end a session')
    .description(
      'Ends a session for good: nothing more is reserved. What may be signed already, bursar exposure shows.',
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
    .summary('let a session go on that an overrun has locked')
    .description('Lets a session go on that an overrun has locked.')
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
