import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { BursarError } from '@bursar/core'
import { z } from 'zod'
import type { SealedVault } from '../../vault/sealed-vault.ts'
import type { SecretSummary } from '../../vault/secret-summary.ts'
import type { VaultChanges } from '../../vault/vault-changes.ts'
import type { AddCommand, CommandContext } from '../command.ts'
import { createParser } from '../flag-errors.ts'
import { formatTable } from '../terminal.ts'

/**
 * Adds `bursar vault`, which puts, lists, rotates and removes secrets of wallets. No command prints
 * a secret.
 */
export const addVault: AddCommand = (program, context) => {
  const vault = program
    .command('vault')
    .summary('put, list, rotate and remove the secrets of wallets')
    .description(
      'The secrets that reach wallets, sealed. A value comes from a pipe or a file, never from the command line; no command shows one. Each change is recorded in the ledger first: who, what, and never the value.',
    )
  vault
    .command('put')
    .summary('seal a new secret')
    .description(
      'Seals a new secret. Its value is piped in, or in a file; one last line end is left out.',
    )
    .argument('<name>', 'its name, such as cdp')
    .option('--file <file>', 'where the value is, if it is not piped in')
    .action(async (name, { file }) => {
      const sealed = await requireVault(context)
      const put = (value: Buffer) => changeVault(context, sealed, (vault) => vault.put(name, value))
      answerSecret(context, await useValue(context, file, put))
    })
  vault
    .command('list')
    .summary('list the secrets')
    .description('Lists the secrets with their versions, by name. Values are not shown.')
    .action(async () => {
      const secrets = await (await requireVault(context)).list()
      const headings = ['NAME', 'VERSION', 'SINCE', 'ENDS', 'KEY']
      context.answer({ secrets }, formatTable(headings, secrets.flatMap(formatVersions)))
    })
  vault
    .command('rotate')
    .summary('give a secret a new value, or all a new wrapping key')
    .description(
      'Seals a new value, which is used from the next signature on, by every server. With --wrapping-key instead of a name: wraps every data key with the first key of the configuration.',
    )
    .argument('[name]', 'its name, such as cdp')
    .option('--file <file>', 'where the new value is, if it is not piped in')
    .option('--overlap <duration>', 'how long the value before stays good, such as 1h')
    .option('--wrapping-key', 'rotate the wrapping key, and no secret')
    .action(async (name, { file, overlap, wrappingKey }) => {
      if ((name === undefined) === (wrappingKey === undefined)) {
        throw usageError('Name a secret, or say --wrapping-key.')
      }
      const sealed = await requireVault(context)
      if (name === undefined) {
        const { rewrapped } = await changeVault(context, sealed, (vault) => vault.rewrap())
        context.answer({ rewrapped }, `${rewrapped} data keys were wrapped anew.`)
        return
      }
      const rotate = (value: Buffer) =>
        changeVault(context, sealed, (vault) => vault.rotate(name, value, { overlap }))
      answerSecret(context, await useValue(context, file, rotate))
    })
  vault
    .command('remove')
    .summary('remove a secret')
    .description('Removes a secret: from the next signature on, nobody can sign with it.')
    .argument('<name>', 'its name, such as cdp')
    .option('--only <version>', 'this version alone', createParser(versionInput))
    .action(async (name, { only }) => {
      const sealed = await requireVault(context)
      await changeVault(context, sealed, (vault) => vault.remove(name, { version: only }))
      context.answer({ name, removed: only ?? 'all' }, `${name} is removed.`)
    })
}

/** Largest input for a secret: the 65,536 bytes of a secret, and a line break of two bytes. */
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
async function useValue(
  { terminal }: CommandContext,
  file: string | undefined,
  use: (value: Buffer) => Promise<SecretSummary>,
): Promise<SecretSummary> {
  if (file === undefined && terminal.input.isTTY) {
    throw usageError('Pipe the value in, or name a file with --file: what is typed could be seen.')
  }
  const read =
    file === undefined
      ? await readContent(terminal.input)
      : await readValueFile(terminal.folder, file)
  try {
    return await use(stripTrailingNewline(read))
  } finally {
    read.fill(0)
  }
}

async function readValueFile(folder: string, file: string): Promise<Buffer> {
  const handle = await open(resolve(folder, file))
  try {
    return await readContent(handle.createReadStream({ autoClose: false }))
  } finally {
    await handle.close()
  }
}

async function readContent(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const content = Buffer.alloc(MAX_INPUT_BYTES)
  let length = 0
  for await (const part of stream) {
    if (length + part.length > MAX_INPUT_BYTES) {
      content.fill(0)
      throw usageError('The value is longer than 65,536 bytes.')
    }
    content.set(part, length)
    length += part.length
    part.fill(0)
  }
  return content.subarray(0, length)
}

/** Strips one trailing newline, which programs such as `pass` print after a secret. */
function stripTrailingNewline(value: Buffer): Buffer {
  if (value.at(-1) !== 0x0a) return value
  return value.subarray(0, value.at(-2) === 0x0d ? -2 : -1)
}

function answerSecret({ answer }: CommandContext, secret: SecretSummary): void {
  answer(secret, `${secret.name} is sealed, as version ${secret.versions[0]?.version}.`)
}

function formatVersions({ name, versions }: SecretSummary): string[][] {
  return versions.map(({ version, createdAt, endsAt, key }) => [
    name,
    `${version}`,
    formatTime(createdAt),
    endsAt === undefined ? '' : formatTime(endsAt),
    key,
  ])
}

function formatTime(at: number): string {
  return new Date(at).toISOString()
}

function usageError(message: string): BursarError {
  return new BursarError('invalid_input', message)
}
