import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { BursarError } from '@bursar/core'
import { z } from 'zod'
import type { SealedVault } from '../../vault/sealed-vault.ts'
import type { SecretSummary } from '../../vault/secret-summary.ts'
import type { VaultChanges } from '../../vault/vault-changes.ts'
import type { AddCommand, CommandContext } from '../command.ts'
import { createFlagParser } from '../flag-errors.ts'
import { formatTerminalTable } from '../terminal.ts'

/**
 * Adds `bursar vault`, which puts, lists, rotates and removes secrets of wallets. No command prints
 * a secret.
 */
export const addVault: AddCommand = (program, context) => {
  const vault = program
    .command('vault')
    .summary('put, list, rotate and remove the secrets of wallets')
    .description(
      'Manages the sealed secrets of wallets. A secret is read from a pipe or a file, and never printed. The audit trail records each change and its author before it is made, without the value.',
    )
  vault
    .command('put')
    .summary('seal a new secret')
    .description(
      'Seals a new secret. Its value is read from the standard input or a file, without one trailing newline.',
    )
    .argument('<name>', 'the name of the secret, such as cdp')
    .option('--file <file>', 'the file with the value, instead of the standard input')
    .action(async (name, { file }) => {
      const sealed = await requireVault(context)
      const put = (value: Buffer) => changeVault(context, sealed, (vault) => vault.put(name, value))
      answerVaultSecret(context, await useSecretForVault(context, file, put))
    })
  vault
    .command('list')
    .summary('list the secrets')
    .description('Lists the secrets with their versions, sorted by name, without their values.')
    .action(async () => {
      const secrets = await (await requireVault(context)).list()
      const headings = ['NAME', 'VERSION', 'SINCE', 'ENDS', 'KEY']
      context.answer(
        { secrets },
        formatTerminalTable(headings, secrets.flatMap(formatVaultVersions)),
      )
    })
  vault
    .command('rotate')
    .summary('rotate a secret, or the wrapping key')
    .description(
      'Seals a new value, which every server uses from the next signature on. With --wrapping-key instead of a name, wraps every data key with the first key of the configuration.',
    )
    .argument('[name]', 'the name of the secret, such as cdp')
    .option('--file <file>', 'the file with the new value, instead of the standard input')
    .option(
      '--overlap <duration>',
      'how long the old value stays valid, such as 1h; default: not at all',
    )
    .option('--wrapping-key', 'rotate the wrapping key instead of a secret')
    .action(async (name, { file, overlap, wrappingKey }) => {
      if ((name === undefined) === (wrappingKey === undefined)) {
        throw vaultUsageError('Give either the name of a secret or --wrapping-key.')
      }
      const sealed = await requireVault(context)
      if (name === undefined) {
        const { rewrapped } = await changeVault(context, sealed, (vault) => vault.rewrap())
        context.answer({ rewrapped }, `Data keys wrapped with the first key: ${rewrapped}.`)
        return
      }
      const rotate = (value: Buffer) =>
        changeVault(context, sealed, (vault) => vault.rotate(name, value, { overlap }))
      answerVaultSecret(context, await useSecretForVault(context, file, rotate))
    })
  vault
    .command('remove')
    .summary('remove a secret')
    .description('Removes a secret. From the next signature on, no server can sign with it.')
    .argument('<name>', 'the name of the secret, such as cdp')
    .option('--only <version>', 'remove only this version', createFlagParser(versionInput))
    .action(async (name, { only }) => {
      const sealed = await requireVault(context)
      await changeVault(context, sealed, (vault) => vault.remove(name, { version: only }))
      context.answer({ name, removed: only ?? 'all' }, `${name} is removed.`)
    })
}

/** The largest input for a secret: the 65,536 bytes of a secret, and a line break of two bytes. */
const MAX_INPUT_BYTES = 65_538

const versionInput = z.coerce.number('must be a version, such as 2').int().min(1)

async function requireVault({ config }: CommandContext): Promise<SealedVault> {
  const { vault } = (await config()).config
  if (vault) return vault
  const message = 'The configuration has no vault. Add one: vault: sealedVault({ … })'
  throw new BursarError('vault_missing', message)
}

/** Changes the vault. The ledger of the same configuration records each change. */
function changeVault<Result>(
  { withGuard }: CommandContext,
  vault: SealedVault,
  work: (changes: VaultChanges) => Promise<Result>,
): Promise<Result> {
  return withGuard(({ administration }) => work(vault.recordedBy(administration)))
}

/** Reads a secret from the pipe or a file, passes the secret to `use`, and overwrites it. */
async function useSecretForVault(
  { terminal }: CommandContext,
  file: string | undefined,
  use: (value: Buffer) => Promise<SecretSummary>,
): Promise<SecretSummary> {
  if (file === undefined && terminal.input.isTTY) {
    throw vaultUsageError(
      'The value cannot be typed, because others could see it. Pipe it in, or name a file with --file.',
    )
  }
  const read =
    file === undefined
      ? await readVaultValue(terminal.input)
      : await readVaultValueFile(terminal.folder, file)
  try {
    return await use(stripVaultValueNewline(read))
  } finally {
    read.fill(0)
  }
}

async function readVaultValueFile(folder: string, file: string): Promise<Buffer> {
  const handle = await open(resolve(folder, file))
  try {
    return await readVaultValue(handle.createReadStream({ autoClose: false }))
  } finally {
    await handle.close()
  }
}

async function readVaultValue(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const content = Buffer.alloc(MAX_INPUT_BYTES)
  let length = 0
  for await (const part of stream) {
    if (length + part.length > MAX_INPUT_BYTES) {
      content.fill(0)
      throw vaultUsageError('The value is longer than 65,536 bytes.')
    }
    content.set(part, length)
    length += part.length
    part.fill(0)
  }
  return content.subarray(0, length)
}

/** Strips one trailing newline, which programs such as `pass` print after a secret. */
function stripVaultValueNewline(value: Buffer): Buffer {
  if (value.at(-1) !== 0x0a) return value
  return value.subarray(0, value.at(-2) === 0x0d ? -2 : -1)
}

function answerVaultSecret({ answer }: CommandContext, secret: SecretSummary): void {
  answer(secret, `${secret.name} is sealed as version ${secret.versions[0]?.version}.`)
}

function formatVaultVersions({ name, versions }: SecretSummary): string[][] {
  return versions.map(({ version, createdAt, endsAt, key }) => [
    name,
    `${version}`,
    formatVaultTime(createdAt),
    endsAt === undefined ? '' : formatVaultTime(endsAt),
    key,
  ])
}

function formatVaultTime(at: number): string {
  return new Date(at).toISOString()
}

function vaultUsageError(message: string): BursarError {
  return new BursarError('invalid_input', message)
}
