import { BursarError } from '@bursar/core'
import { z } from 'zod'
import {
  type SealedSecret,
  type SecretBinding,
  sealedBase64Field,
  sealedFields,
} from './sealed-secret.ts'
import type { VaultStorage } from './vault-storage.ts'

/** A version of a secret as it is stored: the sealed value and the wrapped data key. */
export interface SealedVersion extends SealedSecret {
  readonly version: number
  readonly createdAt: number
  /** The end of the overlap after a rotation, in milliseconds since the epoch. */
  readonly endsAt?: number | undefined
  /** The id of the key that wrapped the data key. */
  readonly keyId: string
  readonly wrappedKey: string
}

/** A secret with its versions, newest first. A removed secret keeps its entry without versions. */
export interface SecretEntry {
  readonly name: string
  /** The highest version number ever used. Numbers are not used again after a removal. */
  readonly newest: number
  readonly versions: readonly SealedVersion[]
}

/** The content of a vault. It is read and written as a whole. */
export type VaultDocument = readonly SecretEntry[]

const FORMAT = 'bursar/vault/1'

/** The largest number of secrets in one vault, removed ones included. */
const MAX_SECRETS = 1_000

/** The largest size of a document: reading a larger one would delay a payment. */
export const MAX_DOCUMENT_BYTES = 8_388_608

const MAX_VERSION = 1_000_000

/** The name of a secret. It follows the rule for names of end users and agents. */
export const secretNameField: z.ZodType<string> = z
  .string()
  .max(120)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:@+-]*$/, 'must be letters, digits and . _ : @ + - only')

const count = z.number().int().min(1).max(MAX_VERSION)

/** A time in milliseconds since the epoch. */
const time = z.number().int().min(0)

const versionFields = z.strictObject({
  ...sealedFields,
  version: count,
  createdAt: time,
  endsAt: time.optional(),
  keyId: z.string().min(1).max(300),
  wrappedKey: sealedBase64Field(),
})

const documentFields = z.strictObject({
  format: z.literal(FORMAT),
  secrets: z
    .array(
      z.strictObject({
        name: secretNameField,
        newest: count,
        versions: z.array(versionFields).max(2),
      }),
    )
    .max(MAX_SECRETS),
})

/** Reads the newest document of a storage and its revision. Throws `vault_unreadable`. */
export async function readNewestDocument(
  storage: VaultStorage,
): Promise<{ readonly document: VaultDocument; readonly revision: number }> {
  const stored = await storage.read()
  if (!stored) return { document: [], revision: 0 }
  return { document: parseDocument(stored.text), revision: stored.revision }
}

/** Parses a document. Throws `vault_unreadable` if it is not one that `serializeDocument` writes. */
function parseDocument(text: string): VaultDocument {
  const parsed = documentFields.safeParse(parseDocumentJson(text))
  if (!parsed.success) throw documentUnreadableError(describeDocumentIssue(parsed.error))
  const { secrets } = parsed.data
  for (const { name, newest, versions } of secrets) {
    const numbers = versions.map(({ version }) => version)
    const isOrdered = numbers.every(
      (one, at) => one <= newest && one < (numbers[at - 1] ?? one + 1),
    )
    if (!isOrdered) throw documentUnreadableError(`${name}: its versions are out of order`)
  }
  if (new Set(secrets.map(({ name }) => name)).size < secrets.length) {
    throw documentUnreadableError('a name is used twice')
  }
  return secrets
}

/**
 * Serialises a document. Throws `vault_full` if it is too large, and `vault_unreadable` if
 * `parseDocument` would refuse it.
 */
export function serializeDocument(secrets: VaultDocument): string {
  const document = { format: FORMAT, secrets }
  const text = JSON.stringify(document, null, 2)
  if (secrets.length > MAX_SECRETS || Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) {
    throw new BursarError(
      'vault_full',
      'vault: it is full. Nothing was changed. Put the secret into another vault.',
    )
  }
  // A field that is refused when it is read again, such as a key id, would make every secret unreadable.
  const parsed = documentFields.safeParse(document)
  if (parsed.success) return text
  const message = `vault: nothing was changed: ${describeDocumentIssue(parsed.error)}.`
  throw new BursarError('vault_unreadable', message)
}

function describeDocumentIssue({ issues: [issue] }: z.ZodError): string {
  const field = issue?.path.map(String).join('.') || 'all of it'
  return `${field}: ${issue?.message ?? 'is not valid'}`
}

/** Creates the binding of a version. */
export function createDocumentBinding(
  { name }: Pick<SecretEntry, 'name'>,
  { version, purpose }: Pick<SealedVersion, 'version' | 'purpose'>,
): SecretBinding {
  return { name, version, purpose }
}

/** Returns the versions of a secret that are valid at `now`, newest first. */
export function findDocumentVersions(
  { versions }: SecretEntry,
  now: number,
): readonly SealedVersion[] {
  return versions.filter(({ endsAt }) => endsAt === undefined || now < endsAt)
}

/** Finds the entry of a secret. Throws `secret_unknown` if there is none, or it was removed. */
export function findDocumentEntry(document: VaultDocument, name: string): SecretEntry {
  const entry = document.find((one) => one.name === name)
  if (entry && entry.versions.length > 0) return entry
  throw new BursarError('secret_unknown', `vault: there is no secret called ${name}.`)
}

/** Returns the document with an entry replaced, or appended if its name is new. */
export function replaceDocumentEntry(document: VaultDocument, entry: SecretEntry): VaultDocument {
  const known = document.some(({ name }) => name === entry.name)
  return known
    ? document.map((one) => (one.name === entry.name ? entry : one))
    : [...document, entry]
}

function parseDocumentJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw documentUnreadableError('it is not JSON, or too long')
  }
}

function documentUnreadableError(why: string): BursarError {
  const message = `vault: its document cannot be read: ${why}. Restore the vault from a backup.`
  return new BursarError('vault_unreadable', message)
}
