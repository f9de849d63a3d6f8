import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ArchiveVerification, AuditHead, Verification } from '@bursar/core'
import { z } from 'zod'
import type { AddCommand, CommandContext } from '../command.ts'
import { createFlagParser } from '../flag-errors.ts'
import { colourTerminalText, showTerminalProgress, writeTerminalText } from '../terminal.ts'

/**
 * The head of the audit trail in the format that `audit verify` prints: the record's number, a
 * colon and its hash.
 */
const headField: z.ZodType<AuditHead, string> = z
  .string()
  .regex(
    /^[1-9][0-9]{0,14}:[0-9a-f]{64}$/,
    'must be the number and hash of a record, such as 7:<64 hex digits>',
  )
  .transform((text) => {
    const [seq, hash = ''] = text.split(':')
    return { seq: Number(seq), hash }
  })

/** Adds `bursar audit`, which verifies and exports the audit trail. */
export const addAudit: AddCommand = (program, context) => {
  const audit = program
    .command('audit')
    .summary('verify and export the audit trail')
    .description(
      'Verifies and exports the audit trail, a hash chain with a record for each change of the ledger.',
    )
  audit
    .command('verify')
    .summary('verify the audit trail and the ledger')
    .description(
      'Verifies the hash of every record, and every row of the ledger against the records. Keep the head that it prints on another ' +
        'machine: with --head, the next run also detects that the newest records were cut off or that the whole trail was rewritten.',
    )
    .option(
      '--head <seq:hash>',
      'the head that an earlier run printed',
      createFlagParser(headField),
    )
    .action(({ head }) => verifyAuditTrail(context, head))
  audit
    .command('verify-archive')
    .summary('verify an archive file')
    .description(
      'Verifies each line of an archive file, and that the audit trail records exactly this file.',
    )
    .argument('<file>', 'the file that bursar archive wrote')
    .action((name) => verifyAuditArchiveFile(context, name))
  audit
    .command('export')
    .summary('export the audit trail as JSON lines')
    .description(
      'Exports the whole audit trail as JSON lines, each record exactly as it was hashed, to the standard output or a new file.',
    )
    .option('--out <file>', 'a new file, which only its owner can read')
    .action(({ out }) => exportAuditTrail(context, out))
}

async function verifyAuditTrail(
  context: CommandContext,
  head: AuditHead | undefined,
): Promise<void> {
  const { terminal } = context
  await context.withGuard(async ({ auditing }) => {
    const line = (seconds: number): string => `verifying, ${seconds} s`
    const verified = await showTerminalProgress(terminal, line, () => auditing.verify({ head }))
    answerAuditVerdict(context, verified, describeAuditVerification(verified))
  })
}

async function verifyAuditArchiveFile(context: CommandContext, name: string): Promise<void> {
  const { terminal } = context
  await context.withGuard(async ({ auditing }) => {
    const line = (seconds: number): string => `verifying, ${seconds} s`
    const file = await open(resolve(terminal.folder, name))
    const verify = () => auditing.verifyArchive(file.readLines())
    const verified = await showTerminalProgress(terminal, line, verify).finally(() => file.close())
    const text = verified.ok
      ? `The archive is valid. Sessions: ${verified.archives.length}.`
      : `The archive is not valid: line ${verified.line}: ${verified.reason}.`
    answerAuditVerdict(context, verified, text)
  })
}

/**
 * Prints the result of a verification in green or red. Sets the exit code `unsound` if the
 * verification failed.
 */
function answerAuditVerdict(
  { terminal, answer, endWith }: CommandContext,
  verified: Verification | ArchiveVerification,
  text: string,
): void {
  if (!verified.ok) endWith('unsound')
  answer(verified, colourTerminalText(terminal, terminal.out, verified.ok ? 'green' : 'red', text))
}

function describeAuditVerification(verified: Verification): string {
  if (!verified.ok) return `The audit trail is not valid: ${verified.reason}.`
  const { records, head } = verified
  return `The audit trail is valid: ${records} records.${head ? `\nhead ${head.seq}:${head.hash}` : ''}`
}

async function exportAuditTrail(context: CommandContext, out: string | undefined): Promise<void> {
  const { terminal } = context
  let records = 0
  await context.withGuard(async ({ auditing }) => {
    async function* countRecords(): AsyncGenerator<string> {
      for await (const line of auditing.export()) {
        records += 1
        yield line
      }
    }
    const print = async (): Promise<void> => {
      for await (const line of countRecords()) await writeTerminalText(terminal.out, line)
    }
    const line = (): string => `exporting, ${records} records`
    // The records appear on this terminal already, so a progress line is not needed.
    if (out === undefined)
      return terminal.out.isTTY ? print() : showTerminalProgress(terminal, line, print)
    const path = resolve(terminal.folder, out)
    const target = { flags: 'wx', mode: 0o600, flush: true }
    await showTerminalProgress(terminal, line, () =>
      pipeline(countRecords, createWriteStream(path, target)),
    )
    context.answer({ file: path, records }, `${records} records in ${path}`)
  })
}
