import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { BursarError } from '@bursar/core'
import { z } from 'zod'

/**
 * What a secret is for. It is sealed with it: whoever can write what is sealed cannot have a wallet
 * sign with a secret that was put for something else.
 */
export type SecretPurpose = 'wallet'

/** What one version of a secret is sealed for; nobody can open it as another one. */
export interface SecretBinding {
  readonly name: string
  readonly version: number
  readonly purpose: SecretPurpose
}

/** A value that is sealed with a data key of its own. Everything but the purpose is base64. */
export interface SealedSecret {
  readonly purpose: SecretPurpose
  readonly nonce: string
  readonly ciphertext: string
  readonly tag: string
}

const CIPHER = 'aes-256-gcm'

/** AES-256. Also of the keys that wrap data keys. */
export const KEY_BYTES = 32

/** What GCM is made for. A data key seals one value, so that no nonce comes twice with a key. */
const NONCE_BYTES = 12

/** The whole tag: a shorter one is easier to forge, and is refused. */
const TAG_BYTES = 16

/** Base64 that has one form only, for so many bytes, or for any number. */
export function base64Field(bytes?: number): z.ZodType<string> {
  return z.string().refine((text) => {
    const decoded = Buffer.from(text, 'base64')
    return decoded.toString('base64') === text && (bytes ?? decoded.length) === decoded.length
  }, 'is not what base64 of it looks like')
}

/** The fields of a sealed secret, as strict as they are written. */
export const sealedFields: {
  readonly purpose: z.ZodType<SecretPurpose>
  readonly nonce: z.ZodType<string>
  readonly ciphertext: z.ZodType<string>
  readonly tag: z.ZodType<string>
} = {
  purpose: z.literal('wallet'),
  nonce: base64Field(NONCE_BYTES),
  ciphertext: base64Field(),
  tag: base64Field(TAG_BYTES),
}

/** A key for one value. Whoever makes it overwrites it after use. */
export function createDataKey(): Buffer {
  return randomBytes(KEY_BYTES)
}

/** Seals a value with its data key. The value stays the caller's, who overwrites it. */
export function sealSecret(dataKey: Buffer, binding: SecretBinding, value: Buffer): SealedSecret {
  const { nonce, ciphertext, tag } = encrypt(dataKey, encodeBinding('secret', binding), value)
  return {
    purpose: binding.purpose,
    nonce: nonce.toString('base64'),
    ciphertext: ciphertext.toString('base64'),
    tag: tag.toString('base64'),
  }
}

/**
 * Opens what was sealed with the same key, for the same name, version and purpose. Throws
 * `secret_unreadable` for everything else, and does not say why: a changed byte, a wrong tag and a
 * record that was moved are the same.
 */
export function unsealSecret(
  dataKey: Buffer,
  binding: SecretBinding,
  { nonce, ciphertext, tag }: SealedSecret,
): Buffer {
  const parts = {
    nonce: Buffer.from(nonce, 'base64'),
    ciphertext: Buffer.from(ciphertext, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
  const opened = decrypt(dataKey, encodeBinding('secret', binding), parts)
  if (opened) return opened
  throw secretUnreadableError(binding)
}

/** Wraps a data key with another key: nonce, ciphertext and tag in one. */
export function wrapDataKey(key: Buffer, binding: SecretBinding, dataKey: Buffer): Buffer {
  const { nonce, ciphertext, tag } = encrypt(key, encodeBinding('data-key', binding), dataKey)
  return Buffer.concat([nonce, ciphertext, tag])
}

/** Throws `secret_unreadable` for what was not wrapped so. */
export function unwrapDataKey(key: Buffer, binding: SecretBinding, wrapped: Buffer): Buffer {
  const isWhole = wrapped.length === NONCE_BYTES + KEY_BYTES + TAG_BYTES
  const opened =
    isWhole && decrypt(key, encodeBinding('data-key', binding), splitWrappedKey(wrapped))
  if (opened) return opened
  throw secretUnreadableError(binding)
}

/** The one error for what cannot be opened. */
export function secretUnreadableError({
  name,
  version,
}: Omit<SecretBinding, 'purpose'>): BursarError {
  const message =
    `vault: version ${version} of ${name} is not what was sealed: it was changed, cut, swapped or ` +
    'sealed with another key. Put the secret again.'
  return new BursarError('secret_unreadable', message)
}

interface Encrypted {
  readonly nonce: Buffer
  readonly ciphertext: Buffer
  readonly tag: Buffer
}

function splitWrappedKey(wrapped: Buffer): Encrypted {
  return {
    nonce: wrapped.subarray(0, NONCE_BYTES),
    ciphertext: wrapped.subarray(NONCE_BYTES, -TAG_BYTES),
    tag: wrapped.subarray(-TAG_BYTES),
  }
}

/** JSON keeps the parts apart: no name can be made to look like another name with a version. */
function encodeBinding(layer: 'secret' | 'data-key', binding: SecretBinding): Buffer {
  const { name, version, purpose } = binding
  return Buffer.from(JSON.stringify(['bursar/vault/1', layer, name, version, purpose]))
}

function encrypt(key: Buffer, associated: Buffer, value: Buffer): Encrypted {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(associated)
  const ciphertext = Buffer.concat([cipher.update(value), cipher.final()])
  return { nonce, ciphertext, tag: cipher.getAuthTag() }
}

function decrypt(key: Buffer, associated: Buffer, sealed: Encrypted): Buffer | undefined {
  const { nonce, ciphertext, tag } = sealed
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(associated)
  decipher.setAuthTag(tag)
  // What this gives is not to be believed, nor kept, before the tag has been checked.
  const opened = decipher.update(ciphertext)
  try {
    decipher.final()
    return opened
  } catch {
    opened.fill(0)
    return undefined
  }
}
