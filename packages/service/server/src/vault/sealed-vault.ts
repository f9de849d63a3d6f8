import { BursarError, inputs } from '@bursar/core'
import { z } from 'zod'
import { newDataKey, type SecretPurpose, sealSecret, unsealSecret } from './sealed-secret.ts'
import type { SecretSource } from './secret-source.ts'
import { type Vault, vaultOver } from './vault.ts'
import {
  bindingOf,
  documentText,
  entryOf,
  goodVersions,
  readDocument,
  type SealedVersion,
  type SecretEntry,
  secretNameField,
  type VaultDocument,
  withEntry,
} from './vault-document.ts'
import { type VaultPlace, vaultPlace } from './vault-place.ts'
import type { WrappingKey } from './wrapping-key.ts'

/** What `sealedVault` takes. */
export interface SealedVaultOptions {
  /**
   * Where what is sealed lives: a file of its own, or a `postgres://` URL, which may be the ledger's.
   */
  readonly database: string
  /** The first one wraps; the others can still unwrap, until `rewrap` has made them needless. */
  readonly keys: readonly WrappingKey[]
}

/** Secrets that are sealed by ourselves. They can be put, listed, rotated and removed, and not read. */
export interface SealedVault extends Vault {
  /** Seals a new secret. Throws `secret_exists`. The value stays the caller's, to be overwritten. */
  put(name: string, value: Buffer): Promise<SecretSummary>
  /** What there is, by name. */
  list(): Promise<readonly SecretSummary[]>
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

/** What may be said of a secret. */
export interface SecretSummary {
  readonly name: string
  /** Newest first. */
  readonly versions: readonly {
    readonly version: number
    readonly purpose: SecretPurpose
    readonly createdAt: number
    readonly endsAt?: number
    /** The wrapping key: of a local one a part of its hash, of KMS the ARN. */
    readonly key: string
  }[]
}

/** As much as AWS Secrets Manager takes. */
const MAX_SECRET_BYTES = 65_536

/** Writers who come first this often are no accident. */
const MAX_WRITES = 10

const PURPOSE: SecretPurpose = 'wallet'

const valueInput = z
  .instanceof(Uint8Array, { message: 'must be a buffer' })
  .refine(({ length }) => length > 0 && length <= MAX_SECRET_BYTES, 'must have 1 to 65,536 bytes')

/** As the rotation of a key is parsed. */
const rotateInput = inputs.rotateKey as z.ZodType<{ readonly overlap?: number | undefined }>

const removeInput = z.strictObject({ version: z.number().int().min(1).optional() })

/**
 * A vault of secrets that are sealed with AES-256-GCM, each version with a data key of its own, which
 * a wrapping key wraps; all bound to name, version and purpose. Nothing is read before it is needed.
 *
 * Its calls throw `invalid_input`, `vault_unavailable`, `vault_unreadable`, `secret_unreadable`,
 * `wrapping_key_unavailable` or `wrapping_key_missing`; its wallets answer `wallet_unavailable`.
 *
 * @example
 * const vault = sealedVault({ database: 'bursar.vault', keys: [localKey({ path: 'bursar.key' })] })
 */
export function sealedVault(options: SealedVaultOptions): SealedVault {
  const { database, keys } = options
  const place = vaultPlace(database)
  const [wrapping] = Array.isArray(keys) ? (keys as readonly WrappingKey[]) : []
  if (!wrapping) throw new BursarError('invalid_input', 'sealedVault: keys: must have one.')
  const seal = (name: string, version: number, value: Buffer) =>
    sealedVersion(wrapping, { name, version, value })
  return {
    ...vaultOver(sourceOf(place, keys)),
    async put(given, value) {
      const name = parsed(secretNameField, given, 'put: name')
      parsed(valueInput, value, 'put: value')
      const entry = await change(place, async (document) => {
        const known = document.find((one) => one.name === name)
        if (known && known.versions.length > 0) {
          const message = `vault: there is a secret called ${name}. Rotate it, or remove it first.`
          throw new BursarError('secret_exists', message)
        }
        const version = (known?.newest ?? 0) + 1
        const sealed = await seal(name, version, value)
        return { name, newest: version, versions: [sealed] }
      })
      return summaryOf(entry)
    },
    async list() {
      const { document } = await read(place)
      const present = document.filter(({ versions }) => versions.length > 0)
      return present.map(summaryOf).sort((left, right) => (left.name < right.name ? -1 : 1))
    },
    async rotate(given, value, rotation = {}) {
      const name = parsed(secretNameField, given, 'rotate: name')
      parsed(valueInput, value, 'rotate: value')
      const { overlap } = parsed(rotateInput, rotation, 'rotate')
      const entry = await change(place, async (document) => {
        const { newest, versions } = entryOf(document, name)
        const sealed = await seal(name, newest + 1, value)
        const before = overlap === undefined ? [] : versions.slice(0, 1)
        const ended = before.map((one) => ({ ...one, endsAt: Date.now() + (overlap ?? 0) }))
        return { name, newest: newest + 1, versions: [sealed, ...ended] }
      })
      return summaryOf(entry)
    },
    rewrap: () => rewrap(place, keys, wrapping),
    async remove(given, removal = {}) {
      const name = parsed(secretNameField, given, 'remove: name')
      const { version } = parsed(removeInput, removal, 'remove')
      await change(place, async (document) => {
        const entry = entryOf(document, name)
        const versions = entry.versions.filter((one) => version && one.version !== version)
        if (versions.length === entry.versions.length) {
          const message = `vault: ${name} has no version ${version}.`
          throw new BursarError('secret_unknown', message)
        }
        return { ...entry, versions }
      })
    },
  }
}

/** What wallets open: the newest document, each time. */
function sourceOf(place: VaultPlace, keys: readonly WrappingKey[]): SecretSource {
  return {
    async versions(secret) {
      const { document } = await read(place)
      const entry = entryOf(document, secret)
      return goodVersions(entry, Date.now()).map((version) => ({
        version: `${version.version}`,
        open: () => opened(keys, entry, version),
      }))
    },
  }
}

async function opened(
  keys: readonly WrappingKey[],
  entry: SecretEntry,
  version: SealedVersion,
): Promise<Buffer> {
  const dataKey = await unwrapped(keys, entry, version)
  try {
    return unsealSecret(dataKey, bindingOf(entry, version), version)
  } finally {
    dataKey.fill(0)
  }
}

async function unwrapped(
  keys: readonly WrappingKey[],
  entry: SecretEntry,
  version: SealedVersion,
): Promise<Buffer> {
  for (const key of keys) {
    if (!(await key.owns(version.keyId))) continue
    return key.unwrap(Buffer.from(version.wrappedKey, 'base64'), bindingOf(entry, version))
  }
  const message =
    `vault: version ${version.version} of ${entry.name} was sealed with the key ${version.keyId}, ` +
    'which is not among the keys of this vault.'
  throw new BursarError('wrapping_key_missing', message)
}

async function sealedVersion(
  key: WrappingKey,
  given: { readonly name: string; readonly version: number; readonly value: Buffer },
): Promise<SealedVersion> {
  const { name, version, value } = given
  const binding = { name, version, purpose: PURPOSE }
  const dataKey = newDataKey()
  try {
    const { keyId, wrapped } = await key.wrap(dataKey, binding)
    return {
      version,
      createdAt: Date.now(),
      keyId,
      wrappedKey: wrapped.toString('base64'),
      ...sealSecret(dataKey, binding, value),
    }
  } finally {
    dataKey.fill(0)
  }
}

async function rewrap(
  place: VaultPlace,
  keys: readonly WrappingKey[],
  wrapping: WrappingKey,
): Promise<{ readonly rewrapped: number }> {
  let rewrapped = 0
  await changeAll(place, async (document) => {
    rewrapped = 0
    const entries: SecretEntry[] = []
    for (const entry of document) {
      const versions: SealedVersion[] = []
      for (const version of entry.versions) {
        const isDone = await wrapping.owns(version.keyId)
        if (!isDone) rewrapped += 1
        versions.push(isDone ? version : await rewrappedVersion(keys, wrapping, entry, version))
      }
      entries.push({ ...entry, versions })
    }
    return entries
  })
  return { rewrapped }
}

/** The value stays sealed as it is: only its data key is wrapped anew. */
async function rewrappedVersion(
  keys: readonly WrappingKey[],
  wrapping: WrappingKey,
  entry: SecretEntry,
  version: SealedVersion,
): Promise<SealedVersion> {
  const binding = bindingOf(entry, version)
  const dataKey = await unwrapped(keys, entry, version)
  try {
    // What cannot be opened is not made to look new.
    unsealSecret(dataKey, binding, version).fill(0)
    const { keyId, wrapped } = await wrapping.wrap(dataKey, binding)
    return { ...version, keyId, wrappedKey: wrapped.toString('base64') }
  } finally {
    dataKey.fill(0)
  }
}

async function read(
  place: VaultPlace,
): Promise<{ readonly document: VaultDocument; readonly revision: number }> {
  const stored = await place.read()
  if (!stored) return { document: [], revision: 0 }
  return { document: readDocument(stored.text), revision: stored.revision }
}

/** Changes one entry. What has ended by then is dropped. */
async function change(
  place: VaultPlace,
  next: (document: VaultDocument) => Promise<SecretEntry>,
): Promise<SecretEntry> {
  let entry: SecretEntry | undefined
  await changeAll(place, async (document) => {
    const now = Date.now()
    const good = document.map((one) => ({ ...one, versions: goodVersions(one, now) }))
    entry = await next(good)
    return withEntry(good, entry)
  })
  if (entry) return entry
  throw new BursarError('invariant_broken', 'vault: a change has to make an entry.')
}

/** The whole document in one write: whatever happens in between, the one before is there, whole. */
async function changeAll(
  place: VaultPlace,
  next: (document: VaultDocument) => Promise<VaultDocument>,
): Promise<void> {
  for (let tried = 0; tried < MAX_WRITES; tried += 1) {
    const { document, revision } = await read(place)
    if (await place.write(documentText(await next(document)), revision)) return
  }
  const message = 'vault: others keep changing it. Nothing was changed; try again.'
  throw new BursarError('vault_unavailable', message)
}

function summaryOf({ name, versions }: SecretEntry): SecretSummary {
  return {
    name,
    versions: versions.map(({ version, purpose, createdAt, endsAt, keyId }) => ({
      version,
      purpose,
      createdAt,
      ...(endsAt === undefined ? {} : { endsAt }),
      key: keyId,
    })),
  }
}

/** As core's, which does not repeat what it was given either. */
function parsed<Output>(schema: z.ZodType<Output, unknown>, input: unknown, what: string): Output {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const message = result.error.issues[0]?.message ?? 'is not valid'
  throw new BursarError('invalid_input', `vault: ${what}: ${message}.`)
}
