import { BursarError } from '@bursar/core'
import { z } from 'zod'
import {
  base64Field,
  type SealedSecret,
  type SecretBinding,
  sealedFields,
} from './sealed-secret.ts'
import type { VaultStorage } from './vault-storage.ts'

/** One version of a secret as it is written: sealed, with its data key wrapped. */
export interface SealedVersion extends SealedSecret {
  readonly version: number
  readonly createdAt: number
  /** When a rotation ends it. */
  readonly endsAt?: number | undefined
  /** The wrapping key of its data key. */
  readonly keyId: string
  readonly wrappedKey: string
}

/** A secret: its versions, newest first. One that was removed has none, and its numbers go on. */
export interface SecretEntry {
  readonly name: string
  /** The number of the newest version that there ever was: none is used twice. */
  readonly newest: number
  readonly versions: readonly SealedVersion[]
}

/** Everything that is sealed, as one document: it is read and written whole. */
export type VaultDocument = readonly SecretEntry[]

const FORMAT = 'bursar/vault/1'

/** Secrets in one vault, the removed ones included. */
const MAX_SECRETS = 1_000

/** A document that takes longer to read than a payment should wait. */
export const MAX_DOCUMENT_BYTES = 8_388_608

const MAX_VERSION = 1_000_000

/** A name of a secret, as names are everywhere. */
export const secretNameField: z.ZodType<string> = z
  .string()
  .max(120)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:@+-]*$/, 'must be letters, digits and . _ : @ + - only')

const count = z.number().int().min(1).max(MAX_VERSION)

/** Milliseconds since the epoch. */
const time = z.number().int().min(0)

const versionFields = z.strictObject({
  ...sealedFields,
  version: count,
  createdAt: time,
  endsAt: time.optional(),
  keyId: z.string().min(1).max(300),
  wrappedKey: base64Field(),
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

/** The newest document of a storage, and how many were written before it. */
export async function readNewestDocument(
  storage: VaultStorage,
): Promise<{ readonly document: VaultDocument; readonly revision: number }> {
  const stored = await storage.read()
  if (!stored) return { document: [], revision: 0 }
  return { document: parseDocument(stored.text), revision: stored.revision }
}

/** Reads a document. Throws `vault_unreadable` for anything that was not written so. */
function parseDocument(text: string): VaultDocument {
  const parsed = documentFields.safeParse(parseJson(text))
  if (!parsed.success) throw documentUnreadableError(describeFirstIssue(parsed.error))
  const { secrets } = parsed.data
  for (const { name, newest, versions } of secrets) {
    const numbers = versions.map(({ version }) => version)
    const isOrdered = numbers.every(
      (one, at) => one <= newest && one < (numbers[at - 1] ?? one + 1),
    )
    if (!isOrdered) throw documentUnreadableError(`${name}: its versions are out of order`)
  }
  if (new Set(secrets.map(({ name }) => name)).size < secrets.length) {
    throw documentUnreadableError('a name is there twice')
  }
  return secrets
}

/** Writes a document. Throws `vault_full`, and `vault_unreadable` for what could not be read again. */
export function serializeDocument(secrets: VaultDocument): string {
  const document = { format: FORMAT, secrets }
  const text = JSON.stringify(document, null, 2)
  if (secrets.length > MAX_SECRETS || Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) {
    throw new BursarError('vault_full', 'vault: there is no room for another secret. Remove some.')
  }
  // One field that is refused later, such as the id of a wrapping key, would take all secrets along.
  const parsed = documentFields.safeParse(document)
  if (parsed.success) return text
  const message = `vault: nothing was changed: ${describeFirstIssue(parsed.error)}.`
  throw new BursarError('vault_unreadable', message)
}

function describeFirstIssue({ issues: [issue] }: z.ZodError): string {
  const field = issue?.path.map(String).join('.') || 'all of it'
  return `${field}: ${issue?.message ?? 'is not valid'}`
}

/** What a version of a secret is bound to. */
export function createBinding(
  { name }: Pick<SecretEntry, 'name'>,
  { version, purpose }: Pick<SealedVersion, 'version' | 'purpose'>,
): SecretBinding {
  return { name, version, purpose }
}

/** The versions of a secret that are good at a time, newest first. */
export function findValidVersions(
  { versions }: SecretEntry,
  now: number,
): readonly SealedVersion[] {
  return versions.filter(({ endsAt }) => endsAt === undefined || now < endsAt)
}

/** The entry of a name that has versions. Throws `secret_unknown`. */
export function findEntry(document: VaultDocument, name: string): SecretEntry {
  const entry = document.find((one) => one.name === name)
  if (entry && entry.versions.length > 0) return entry
  throw new BursarError('secret_unknown', `vault: there is no secret called ${name}.`)
}

/** The document with an entry in the place of the one with its name, or behind all others. */
export function replaceEntry(document: VaultDocument, entry: SecretEntry): VaultDocument {
  const known = document.some(({ name }) => name === entry.name)
  return known
    ? document.map((one) => (one.name === entry.name ? entry : one))
    : [...document, entry]
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw documentUnreadableError('it is no JSON, or too long')
  }
}

function documentUnreadableError(why: string): BursarError {
  const message = `vault: what is sealed cannot be read: ${why}. Restore it from a backup.`
  return new BursarError('vault_unreadable', message)
}
