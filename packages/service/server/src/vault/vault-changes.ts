import { type Administration, BursarError, inputs, type SecretChange } from '@bursar/core'
import { z } from 'zod'
import { rewrapVersion, sealVersion } from './sealed-version.ts'
import { type SecretSummary, summarizeSecret } from './secret-summary.ts'
import {
  findDocumentEntry,
  findDocumentVersions,
  readNewestDocument,
  replaceDocumentEntry,
  type SealedVersion,
  type SecretEntry,
  secretNameField,
  serializeDocument,
  type VaultDocument,
} from './vault-document.ts'
import type { VaultStorage } from './vault-storage.ts'
import type { WrappingKey } from './wrapping-key.ts'

/** The ledger that records changes of a vault: the `administration` of a guard. */
export type ChangeLedger = Pick<Administration, 'recordSecretChanges'>

/** The methods that change a vault. The ledger records each change before it is made. */
export interface VaultChanges {
  /**
   * Seals a new secret of 1 to 65,536 bytes. The caller keeps the value and overwrites it. Throws
   * `secret_exists` if the name is taken.
   */
  put(name: string, value: Buffer): Promise<SecretSummary>
  /**
   * Seals a new version, which every process uses from the next signature on. The version before it
   * stays valid for `overlap`, such as `'1h'`, in case the provider still refuses the new one.
   * Without `overlap` it ends at once. Throws `secret_unknown` if there is no such secret.
   */
  rotate(
    name: string,
    value: Buffer,
    options?: { readonly overlap?: string | undefined },
  ): Promise<SecretSummary>
  /**
   * Wraps every data key with the first of `keys`, in one write, and returns how many it wrapped
   * again. The other keys can be removed from the configuration afterwards.
   */
  rewrap(): Promise<{ readonly rewrapped: number }>
  /**
   * Removes a secret, or only one version of it. Throws `secret_unknown` if the secret or the version
   * does not exist.
   */
  remove(name: string, options?: { readonly version?: number | undefined }): Promise<void>
}

/** The size limit of AWS Secrets Manager, so that secrets can move there. */
const MAX_SECRET_BYTES = 65_536

/** Attempts of one change. More lost races than that mean a writer that never stops. */
const MAX_WRITES = 10

const valueInput = z
  .instanceof(Uint8Array, { message: 'must be a buffer' })
  .refine(({ length }) => length > 0 && length <= MAX_SECRET_BYTES, 'must have 1 to 65,536 bytes')

/** The schema that core uses for the rotation of a key. */
const rotateInput = inputs.rotateKey as z.ZodType<{ readonly overlap?: number | undefined }>

const removeInput = z.strictObject({ version: z.number().int().min(1).optional() })

/** The parts of a vault that a change needs. `wrapping` is the first of `keys`. */
interface ChangeContext {
  readonly storage: VaultStorage
  readonly keys: readonly WrappingKey[]
  readonly wrapping: WrappingKey
  readonly ledger: ChangeLedger
}

/** The next document, and the changes that lead to it. */
interface NextDocument {
  readonly document: VaultDocument
  readonly changes: readonly SecretChange[]
}

/** Creates the methods that change a vault. */
export function createVaultChanges(context: ChangeContext): VaultChanges {
  const { wrapping } = context
  return {
    async put(given, value) {
      const name = parseChangeInput(secretNameField, given, 'put: name')
      parseChangeInput(valueInput, value, 'put: value')
      return changeEntry(context, 'secret-added', async (document) => {
        const known = document.find((one) => one.name === name)
        if (known && known.versions.length > 0) {
          const message = `vault: there is already a secret called ${name}. Rotate it, or remove it first.`
          throw new BursarError('secret_exists', message)
        }
        const version = (known?.newest ?? 0) + 1
        const sealed = await sealVersion(wrapping, { name, version, value })
        return { entry: { name, newest: version, versions: [sealed] }, changed: [version] }
      })
    },
    async rotate(given, value, rotation = {}) {
      const name = parseChangeInput(secretNameField, given, 'rotate: name')
      parseChangeInput(valueInput, value, 'rotate: value')
      const { overlap } = parseChangeInput(rotateInput, rotation, 'rotate')
      return changeEntry(context, 'secret-rotated', async (document) => {
        const { newest, versions } = findDocumentEntry(document, name)
        const version = newest + 1
        const sealed = await sealVersion(wrapping, { name, version, value })
        const before = overlap === undefined ? [] : versions.slice(0, 1)
        const ended = before.map((one) => ({ ...one, endsAt: Date.now() + (overlap ?? 0) }))
        const entry = { name, newest: version, versions: [sealed, ...ended] }
        return { entry, changed: [version] }
      })
    },
    rewrap: () => rewrapChangedVault(context),
    async remove(given, removal = {}) {
      const name = parseChangeInput(secretNameField, given, 'remove: name')
      const { version } = parseChangeInput(removeInput, removal, 'remove')
      await changeEntry(context, 'secret-removed', async (document) => {
        const entry = findDocumentEntry(document, name)
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

async function rewrapChangedVault(context: ChangeContext): Promise<{ readonly rewrapped: number }> {
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

/** Changes one entry, and drops every version whose overlap has ended. */
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
    const good = document.map((one) => ({ ...one, versions: findDocumentVersions(one, now) }))
    const { entry, changed: versions } = await next(good)
    changed = entry
    const changes = versions.map((version) => createSecretChange(type, entry.name, version))
    return { document: replaceDocumentEntry(good, entry), changes }
  })
  if (changed) return summarizeSecret(changed)
  throw new BursarError('invariant_broken', 'vault: a change has to make an entry.')
}

/**
 * Replaces the whole document in one write, so that a crash leaves the old document or the new one.
 * The ledger records the changes before the write. If another writer comes first, the change is
 * computed and recorded again. Throws `vault_unavailable` after `MAX_WRITES` attempts.
 */
async function changeDocument(
  { storage, ledger }: ChangeContext,
  next: (document: VaultDocument) => Promise<NextDocument>,
): Promise<void> {
  for (let attempt = 0; attempt < MAX_WRITES; attempt += 1) {
    const { document, revision } = await readNewestDocument(storage)
    const { document: following, changes } = await next(document)
    if (changes.length === 0) return
    const text = serializeDocument(following)
    await ledger.recordSecretChanges(changes)
    if (await storage.write(text, revision)) return
  }
  const message = `vault: another writer was first ${MAX_WRITES} times. Nothing was changed. Try again.`
  throw new BursarError('vault_unavailable', message)
}

function createSecretChange(
  type: SecretChange['type'],
  secret: string,
  version: number,
): SecretChange {
  return { type, secret, version: `${version}` }
}

/** Parses an argument. Throws `invalid_input` without the value, which may be a secret. */
function parseChangeInput<Output>(
  schema: z.ZodType<Output, unknown>,
  input: unknown,
  what: string,
): Output {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const message = result.error.issues[0]?.message ?? 'is not valid'
  throw new BursarError('invalid_input', `vault: ${what}: ${message}.`)
}
