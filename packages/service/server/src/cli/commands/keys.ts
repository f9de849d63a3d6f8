import { type IssuedKey, type KeySummary, roles } from '@bursar/core'
import { z } from 'zod'
import type { AddCommand, CommandContext } from '../command.ts'
import { createFlagListParser, createFlagParser } from '../flag-errors.ts'
import { addPageOptions, describeNextPage, readPage } from '../pagination.ts'
import { formatTerminalTable } from '../terminal.ts'

/** Adds `bursar keys`, which issues, lists, rotates and revokes keys of the service. */
export const addKeys: AddCommand = (program, context) => {
  const keys = program
    .command('keys')
    .summary('issue, list, rotate and revoke keys')
    .description(
      'Manages the keys of the service. A key gives its holder roles until it expires. A key is shown once and never stored.',
    )
  keys
    .command('create')
    .summary('issue a key')
    .description(
      'Issues a key and prints it once. Roles that could together raise a budget and spend it are refused.',
    )
    .requiredOption(
      '--role <role>',
      `a role of the key: ${roles.join(', ')}; repeatable`,
      createFlagListParser(z.enum(roles, `must be one of ${roles.join(', ')}`)),
    )
    .requiredOption(
      '--expires-in <duration>',
      'the lifetime of the key, such as 90d',
      createFlagParser(z.string()),
    )
    .option('--end-user <name>', 'the end user, for a key with the role end_user')
    .option('--label <text>', 'a name for people')
    .action(({ role, expiresIn, endUser, label }) =>
      context.withGuard(async ({ administration }) => {
        const issued = await administration.issueKey({ roles: role, expiresIn, endUser, label })
        answerKey(context, issued)
      }),
    )
  addPageOptions(
    keys.command('list').summary('list the keys').description('Lists the keys, oldest first.'),
  ).action((options) =>
    context.withGuard(async ({ administration }) => {
      const found = await administration.keys(readPage(options))
      const headings = ['ID', 'STATE', 'ROLES', 'END USER', 'EXPIRES', 'USED', 'LABEL']
      context.answer(
        found,
        `${formatTerminalTable(headings, found.rows.map(formatKey))}${describeNextPage(found, options)}`,
      )
    }),
  )
  keys
    .command('rotate')
    .summary('give a key a new secret')
    .description(
      'Gives a key a new secret and prints it once. The old secret ends at once, or after the overlap.',
    )
    .argument('<key>', 'the id of the key, such as key_…')
    .option(
      '--overlap <duration>',
      'how long the old secret stays valid, such as 1h; default: not at all',
    )
    .action((key, { overlap }) =>
      context.withGuard(async ({ administration }) => {
        answerKey(context, await administration.rotateKey(key, { overlap }))
      }),
    )
  keys
    .command('revoke')
    .summary('revoke a key')
    .description(
      'Revokes a key at once on every server. Payments that are not reserved yet are refused.',
    )
    .argument('<key>', 'the id of the key, such as key_…')
    .option('--reason <text>', 'the reason, for the audit trail')
    .action((key, reason) =>
      context.withGuard(async ({ administration }) => {
        const revoked = await administration.revokeKey(key, reason)
        context.answer(revoked, `${revoked.id} is ${revoked.state}.`)
      }),
    )
}

/**
 * Prints a key alone on the standard output, so that it can be redirected to a file. The key's id
 * and expiry go to the standard error.
 */
function answerKey({ answer, terminal, isJson }: CommandContext, issued: IssuedKey): void {
  answer(issued, issued.key)
  if (isJson()) return
  terminal.error.write(`${issued.id} expires at ${issued.expiresAt}. The key is not shown again.\n`)
}

function formatKey({
  id,
  state,
  roles: some,
  endUser,
  expiresAt,
  usedAt,
  label,
}: KeySummary): string[] {
  return [id, state, some.join(' '), endUser ?? '', expiresAt, usedAt ?? 'never', label ?? '']
}
