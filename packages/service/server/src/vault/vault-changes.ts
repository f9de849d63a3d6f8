import { type Administration, BursarError, inputs, type SecretChange } from '@bursar/core'
import { z } from 'zod'
import { rewrapVersion, sealVersion } from './sealed-version.ts'
import { type SecretSummary, summarizeSecret } from './secret-summary.ts'
import {
  findEntry,
  findValidVersions,
  readNewestDocument,
  replaceEntry,
  type SealedVersion,
  type SecretEntry,
  secretNameField,
  serializeDocument,
  type VaultDocument,
} from './vault-document.ts'
import type { VaultStorage } from './vault-storage.ts'
import type { WrappingKey } from './wrapping-key.ts'

/** Where changes of a vault are recorded: the `administration` of a guard. */
export type ChangeLedger = Pick<Administration, 'recordSecretChanges'>

/** How a vault is changed: each change is recorded first. */
export interface VaultChanges {
  /** Seals a new secret. Throws `secret_exists`. The value stays the caller's, to be overwritten. */
  put(name: string, value: Buffer): Promise<SecretSummary>
  /**
   * Seals a new version, which is used from now on, by every process. The one before stays good for
   * `overlap`, such as `'1h'`, for where the provider refuses the new one; without it, it ends at
   * once. Throws `secret_unknown`.
   */
  rotate(
    name: string,
    value: Buffer,
    options?: { readonly overlap?: string | undefined },
  ): Promise<SecretSummary>
  /**
   * Wraps every data key with the first of `keys`, all in one write. Answers how many it wrapped
   * anew. The other keys can be taken away afterwards.
   */
  rewrap(): Promise<{ readonly rewrapped: number }>
  /** Removes a secret, or the version of it that an overlap keeps. Throws `secret_unknown`. */
  remove(name: string, options?: { readonly version?: number | undefined }): Promise<void>
}

/** As much as AWS Secrets Manager takes. */
const MAX_SECRET_BYTES = 65_536

/** Writers who come first this often are no accident. */
const MAX_WRITES = 10

const valueInput = z
  .instanceof(Uint8Array, { message: 'must be a buffer' })
  .refine(({ length }) => length > 0 && length <= MAX_SECRET_BYTES, 'must have 1 to 65,536 bytes')

/** As the rotation of a key is parsed. */
const rotateInput = inputs.rotateKey as z.ZodType<{ readonly overlap?: number | undefined }>

const removeInput = z.strictObject({ version: z.number().int().min(1).optional() })

/** What a vault is changed with: its storage, its keys with the one that wraps, and who records it. */
interface ChangeContext {
  readonly storage: VaultStorage
  readonly keys: readonly WrappingKey[]
  readonly wrapping: WrappingKey
  readonly ledger: ChangeLedger
}

/** A document that follows, and what is different in it. */
interface NextDocument {
  readonly document: VaultDocument
  readonly changes: readonly SecretChange[]
}

/** The vault of a storage, to be changed. */
export function createVaultChanges(context: ChangeContext): VaultChanges {
  const { wrapping } = context
  return {
    async put(given, value) {
      const name = parseInput(secretNameField, given, 'put: name')
      parseInput(valueInput, value, 'put: value')
      return changeEntry(context, 'secret-added', async (document) => {
        const known = document.find((one) => one.name === name)
        if (known && known.versions.length > 0) {
          const message = `vault: there is a secret called ${name}. Rotate it, or remove it first.`
          throw new BursarError('secret_exists', message)
        }
        const version = (known?.newest ?? 0) + 1
        const sealed = await sealVersion(wrapping, { name, version, value })
        return { entry: { name, newest: version, versions: [sealed] }, changed: [version] }
      })
    },
    async rotate(given, value, rotation = {}) {
      const name = parseInput(secretNameField, given, 'rotate: name')
      parseInput(valueInput, value, 'rotate: value')
      const { overlap } = parseInput(rotateInput, rotation, 'rotate')
      return changeEntry(context, 'secret-rotated', async (document) => {
        const { newest, versions } = findEntry(document, name)
        const version = newest + 1
        const sealed = await sealVersion(wrapping, { name, version, value })
        const before = overlap === undefined ? [] : versions.slice(0, 1)
        const ended = before.map((one) => ({ ...one, endsAt: Date.now() + (overlap ?? 0) }))
        const entry = { name, newest: version, versions: [sealed, ...ended] }
        return { entry, changed: [version] }
      })
    },
    rewrap: () => rewrapAll(context),
    async remove(given, removal = {}) {
      const name = parseInput(secretNameField, given, 'remove: name')
      const { version } = parseInput(removeInput, removal, 'remove')
      await changeEntry(context, 'secret-removed', async (document) => {
        const entry = findEntry(document, name)
        const isRemoved = (one: SealedVersion) => version === undefined || one.version === version
        const removed = entry.versions.filter(isRemoved)
        if (removed.length === 0) {
          const message = `vault: ${name} has no version ${version}.`
          throw new BursarError('secret_unknown', message)
        }
        const versions = entry.versions.filter((one) => !isRemoved(one))
        return { entry: { ...entry, versions }, changed: removed.map((one) => one.version) }
      })
    },
  }
}

async function rewrapAll(context: ChangeContext): Promise<{ readonly rewrapped: number }> {
  const { keys, wrapping } = context
  let rewrapped = 0
  await changeDocument(context, async (document) => {
    const changes: SecretChange[] = []
    const entries: SecretEntry[] = []
    for (const entry of document) {
      const versions: SealedVersion[] = []
      for (const version of entry.versions) {
        const isDone = await wrapping.owns(version.keyId)
        if (!isDone)
          changes.push(createSecretChange('secret-rewrapped', entry.name, version.version))
        versions.push(isDone ? version : await rewrapVersion(keys, wrapping, entry, version))
      }
      entries.push({ ...entry, versions })
    }
    rewrapped = changes.length
    return { document: entries, changes }
  })
  return { rewrapped }
}

/** Changes one entry. What has ended by then is dropped. */
async function changeEntry(
  context: ChangeContext,
  type: SecretChange['type'],
  next: (
    document: VaultDocument,
  ) => Promise<{ readonly entry: SecretEntry; readonly changed: readonly number[] }>,
): Promise<SecretSummary> {
  let changed: SecretEntry | undefined
  await changeDocument(context, async (document) => {
    const now = Date.now()
    const good = document.map((one) => ({ ...one, versions: findValidVersions(one, now) }))
    const { entry, changed: versions } = await next(good)
    changed = entry
    const changes = versions.map((version) => createSecretChange(type, entry.name, version))
    return { document: replaceEntry(good, entry), changes }
  })
  if (changed) return summarizeSecret(changed)
  throw new BursarError('invariant_broken', 'vault: a change has to make an entry.')
}

/**
 * The whole document in one write: whatever happens in between, the one before is there, whole. What is
 * about to change is in the ledger by then; where another writer comes first, it is recorded again.
 */
async function changeDocument(
  { storage, ledger }: ChangeContext,
  next: (document: VaultDocument) => Promise<NextDocument>,
): Promise<void> {
  for (let tried = 0; tried < MAX_WRITES; tried += 1) {
    const { document, revision } = await readNewestDocument(storage)
    const { document: following, changes } = await next(document)
    if (changes.length === 0) return
    const text = serializeDocument(following)
    await ledger.recordSecretChanges(changes)
    if (await storage.write(text, revision)) return
  }
  const message = 'vault: others keep changing it. Nothing was changed; try again.'
  throw new BursarError('vault_unavailable', message)
}

function createSecretChange(
  type: SecretChange['type'],
  secret: string,
  version: number,
): SecretChange {
  return { type, secret, version: `${version}` }
}

/** As core's, which does not repeat what it was given either. */
function parseInput<Output>(
  schema: z.ZodType<Output, unknown>,
  input: unknown,
  what: string,
): Output {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const message = result.error.issues[0]?.message ?? 'is not valid'
  throw new BursarError('invalid_input', `vault: ${what}: ${message}.`)
}
