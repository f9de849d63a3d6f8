import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { BursarError } from '@bursar/core'
import { z } from 'zod'

/**
 * The purpose of a secret. It is part of the sealed data, so that an attacker who can write the vault
 * cannot make a wallet sign with a secret that was put for another purpose.
 */
export type SecretPurpose = 'wallet'

/** The name, version and purpose that a value is sealed for. It opens under no other binding. */
export interface SecretBinding {
  readonly name: string
  readonly version: number
  readonly purpose: SecretPurpose
}

/** A value that is sealed with its own data key. Every field but the purpose is base64. */
export interface SealedSecret {
  readonly purpose: SecretPurpose
  readonly nonce: string
  readonly ciphertext: string
  readonly tag: string
}

const CIPHER = 'aes-256-gcm'

/** The length of an AES-256 key, both of data keys and of the keys that wrap them. */
export const KEY_BYTES = 32

/** The standard nonce length of GCM. A data key seals one value, so no nonce repeats under a key. */
const NONCE_BYTES = 12

/** The full tag length. A shorter tag would be easier to forge, and is refused. */
const TAG_BYTES = 16

/** Creates a field for canonical base64, of the given number of bytes or of any number. */
export function sealedBase64Field(bytes?: number): z.ZodType<string> {
  return z.string().refine((text) => {
    const decoded = Buffer.from(text, 'base64')
    return decoded.toString('base64') === text && (bytes ?? decoded.length) === decoded.length
  }, 'must be canonical base64')
}

/** The fields of a sealed secret as they are stored. */
export const sealedFields: {
  readonly purpose: z.ZodType<SecretPurpose>
  readonly nonce: z.ZodType<string>
  readonly ciphertext: z.ZodType<string>
  readonly tag: z.ZodType<string>
} = {
  purpose: z.literal('wallet'),
  nonce: sealedBase64Field(NONCE_BYTES),
  ciphertext: sealedBase64Field(),
  tag: sealedBase64Field(TAG_BYTES),
}

/** Creates a random key for one value. The caller overwrites it after use. */
export function createSealingKey(): Buffer {
  return randomBytes(KEY_BYTES)
}

/** Seals a value with its data key. The caller keeps the value and overwrites it. */
export function sealSecret(dataKey: Buffer, binding: SecretBinding, value: Buffer): SealedSecret {
  const { nonce, ciphertext, tag } = encryptSealed(
    dataKey,
    encodeSealedBinding('secret', binding),
    value,
  )
  return {
    purpose: binding.purpose,
    nonce: nonce.toString('base64'),
    ciphertext: ciphertext.toString('base64'),
    tag: tag.toString('base64'),
  }
}

/**
 * Opens a sealed value. Throws `secret_unreadable` if the value was sealed with another key or
 * binding, or was changed. The error does not tell these cases apart.
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
  const opened = decryptSealed(dataKey, encodeSealedBinding('secret', binding), parts)
  if (opened) return opened
  throw secretUnreadableError(binding)
}

/** Wraps a data key with another key. Returns nonce, ciphertext and tag in one buffer. */
export function wrapSealingKey(key: Buffer, binding: SecretBinding, dataKey: Buffer): Buffer {
  const { nonce, ciphertext, tag } = encryptSealed(
    key,
    encodeSealedBinding('data-key', binding),
    dataKey,
  )
  return Buffer.concat([nonce, ciphertext, tag])
}

/** Unwraps a data key. Throws `secret_unreadable` if it was wrapped with another key or binding. */
export function unwrapSealingKey(key: Buffer, binding: SecretBinding, wrapped: Buffer): Buffer {
  const isWhole = wrapped.length === NONCE_BYTES + KEY_BYTES + TAG_BYTES
  const opened =
    isWhole &&
    decryptSealed(key, encodeSealedBinding('data-key', binding), splitWrappedSealingKey(wrapped))
  if (opened) return opened
  throw secretUnreadableError(binding)
}

/** Creates the only error for a value or a data key that cannot be opened. */
export function secretUnreadableError({
  name,
  version,
}: Omit<SecretBinding, 'purpose'>): BursarError {
  const message =
    `vault: version ${version} of ${name} cannot be opened: it was changed, cut, swapped or sealed ` +
    'with another key. Put the secret again.'
  return new BursarError('secret_unreadable', message)
}

interface Encrypted {
  readonly nonce: Buffer
  readonly ciphertext: Buffer
  readonly tag: Buffer
}

function splitWrappedSealingKey(wrapped: Buffer): Encrypted {
  return {
    nonce: wrapped.subarray(0, NONCE_BYTES),
    ciphertext: wrapped.subarray(NONCE_BYTES, -TAG_BYTES),
    tag: wrapped.subarray(-TAG_BYTES),
  }
}

/** Encodes a binding as JSON, so that no name can imitate another name followed by a version. */
function encodeSealedBinding(layer: 'secret' | 'data-key', binding: SecretBinding): Buffer {
  const { name, version, purpose } = binding
  return Buffer.from(JSON.stringify(['bursar/vault/1', layer, name, version, purpose]))
}

function encryptSealed(key: Buffer, associated: Buffer, value: Buffer): Encrypted {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(associated)
  const ciphertext = Buffer.concat([cipher.update(value), cipher.final()])
  return { nonce, ciphertext, tag: cipher.getAuthTag() }
}

function decryptSealed(key: Buffer, associated: Buffer, sealed: Encrypted): Buffer | undefined {
  const { nonce, ciphertext, tag } = sealed
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(associated)
  decipher.setAuthTag(tag)
  // The decrypted bytes are not authentic until final() has checked the tag.
  const opened = decipher.update(ciphertext)
  try {
    decipher.final()
    return opened
  } catch {
    opened.fill(0)
    return undefined
  }
}
