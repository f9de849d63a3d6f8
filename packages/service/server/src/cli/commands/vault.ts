import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { BursarError } from '@bursar/core'
import { z } from 'zod'
import type { SealedVault } from '../../vault/sealed-vault.ts'
import type { SecretSummary } from '../../vault/secret-summary.ts'
import type { VaultChanges } from '../../vault/vault-changes.ts'
import type { AddCommand, CommandContext } from '../command.ts'
import { parsedBy } from '../flag-errors.ts'
import { table } from '../terminal.ts'

/** `bursar vault`: secrets of wallets are put, and never read. */
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
      const sealed = await vaultOf(context)
      const put = (value: Buffer) => recorded(context, sealed, (vault) => vault.put(name, value))
      answerSecret(context, await withValue(context, file, put))
    })
  vault
    .command('list')
    .summary('list the secrets')
    .description('Lists the secrets with their versions, by name. Values are not shown.')
    .action(async () => {
      const secrets = await (await vaultOf(context)).list()
      const headings = ['NAME', 'VERSION', 'SINCE', 'ENDS', 'KEY']
      context.answer({ secrets }, table(headings, secrets.flatMap(rows)))
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
        throw usage('Name a secret, or say --wrapping-key.')
      }
      const sealed = await vaultOf(context)
      if (name === undefined) {
        const { rewrapped } = await recorded(context, sealed, (vault) => vault.rewrap())
        context.answer({ rewrapped }, `${rewrapped} data keys were wrapped anew.`)
        return
      }
      const rotate = (value: Buffer) =>
        recorded(context, sealed, (vault) => vault.rotate(name, value, { overlap }))
      answerSecret(context, await withValue(context, file, rotate))
    })
  vault
    .command('remove')
    .summary('remove a secret')
    .description('Removes a secret: from the next signature on, nobody can sign with it.')
    .argument('<name>', 'its name, such as cdp')
    .option('--only <version>', 'this version alone', parsedBy(versionInput))
    .action(async (name, { only }) => {
      const sealed = await vaultOf(context)
      await recorded(context, sealed, (vault) => vault.remove(name, { version: only }))
      context.answer({ name, removed: only ?? 'all' }, `${name} is removed.`)
    })
}

/** As much as a secret may have, and the end of its line. */
const MAX_INPUT_BYTES = 65_538

const versionInput = z.coerce.number('must be a version, such as 2').int().min(1)

async function vaultOf({ config }: CommandContext): Promise<SealedVault> {
  const { vault } = (await config()).config
  if (vault) return vault
  const message = 'The configuration has no vault. Add one: vault: sealedVault({ … })'
  throw new BursarError('vault_missing', message)
}

/** Changes the vault, with records in the ledger of the same configuration. */
function recorded<Result>(
  { withGuard }: CommandContext,
  vault: SealedVault,
  work: (changes: VaultChanges) => Promise<Result>,
): Promise<Result> {
  return withGuard(({ administration }) => work(vault.recordedBy(administration)))
}

/** Reads a value, lets it be used, and overwrites it. */
async function withValue(
  { terminal }: CommandContext,
  file: string | undefined,
  use: (value: Buffer) => Promise<SecretSummary>,
): Promise<SecretSummary> {
  if (file === undefined && terminal.input.isTTY) {
    throw usage('Pipe the value in, or name a file with --file: what is typed could be seen.')
  }
  const read =
    file === undefined ? await contentOf(terminal.input) : await readFile(terminal.folder, file)
  try {
    return await use(withoutLineEnd(read))
  } finally {
    read.fill(0)
  }
}

async function readFile(folder: string, file: string): Promise<Buffer> {
  const handle = await open(resolve(folder, file))
  try {
    return await contentOf(handle.createReadStream({ autoClose: false }))
  } finally {
    await handle.close()
  }
}

async function contentOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const content = Buffer.alloc(MAX_INPUT_BYTES)
  let length = 0
  for await (const part of stream) {
    if (length + part.length > MAX_INPUT_BYTES) {
      content.fill(0)
      throw usage('The value is longer than 65,536 bytes.')
    }
    content.set(part, length)
    length += part.length
    part.fill(0)
  }
  return content.subarray(0, length)
}

/** Programs that print a secret end its line. */
function withoutLineEnd(value: Buffer): Buffer {
  if (value.at(-1) !== 0x0a) return value
  return value.subarray(0, value.at(-2) === 0x0d ? -2 : -1)
}

function answerSecret({ answer }: CommandContext, secret: SecretSummary): void {
  answer(secret, `${secret.name} is sealed, as version ${secret.versions[0]?.version}.`)
}

function rows({ name, versions }: SecretSummary): string[][] {
  return versions.map(({ version, createdAt, endsAt, key }) => [
    name,
    `${version}`,
    timeText(createdAt),
    endsAt === undefined ? '' : timeText(endsAt),
    key,
  ])
}

function timeText(at: number): string {
  return new Date(at).toISOString()
}

function usage(message: string): BursarError {
  return new BursarError('invalid_input', message)
}
