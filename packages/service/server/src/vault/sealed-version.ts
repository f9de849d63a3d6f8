import { BursarError } from '@bursar/core'
import { createSealingKey, type SecretPurpose, sealSecret, unsealSecret } from './sealed-secret.ts'
import { createDocumentBinding, type SealedVersion, type SecretEntry } from './vault-document.ts'
import type { WrappingKey } from './wrapping-key.ts'

const PURPOSE: SecretPurpose = 'wallet'

/** Seals a value as a version of a secret. The caller keeps the value and overwrites it. */
export async function sealVersion(
  key: WrappingKey,
  given: { readonly name: string; readonly version: number; readonly value: Buffer },
): Promise<SealedVersion> {
  const { name, version, value } = given
  const binding = { name, version, purpose: PURPOSE }
  const dataKey = createSealingKey()
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

/**
 * Opens a version and returns its value in a buffer that the caller overwrites. Throws
 * `wrapping_key_missing`, `secret_unreadable`, or the codes of the wrapping key.
 */
export async function openVersion(
  keys: readonly WrappingKey[],
  entry: SecretEntry,
  version: SealedVersion,
): Promise<Buffer> {
  const dataKey = await unwrapDataKeyOfVersion(keys, entry, version)
  try {
    return unsealSecret(dataKey, createDocumentBinding(entry, version), version)
  } finally {
    dataKey.fill(0)
  }
}

/** Wraps the data key of a version with another wrapping key. The value stays sealed as it is. */
export async function rewrapVersion(
  keys: readonly WrappingKey[],
  wrapping: WrappingKey,
  entry: SecretEntry,
  version: SealedVersion,
): Promise<SealedVersion> {
  const binding = createDocumentBinding(entry, version)
  const dataKey = await unwrapDataKeyOfVersion(keys, entry, version)
  try {
    // A version that cannot be opened must not appear to be freshly wrapped.
    unsealSecret(dataKey, binding, version).fill(0)
    const { keyId, wrapped } = await wrapping.wrap(dataKey, binding)
    return { ...version, keyId, wrappedKey: wrapped.toString('base64') }
  } finally {
    dataKey.fill(0)
  }
}

async function unwrapDataKeyOfVersion(
  keys: readonly WrappingKey[],
  entry: SecretEntry,
  version: SealedVersion,
): Promise<Buffer> {
  const key = await findVersionWrappingKey(keys, entry, version)
  return key.unwrap(
    Buffer.from(version.wrappedKey, 'base64'),
    createDocumentBinding(entry, version),
  )
}

/**
 * Finds the wrapping key of a version's data key. Throws `wrapping_key_missing` if it is not among
 * the keys, or the codes of a key that cannot answer.
 */
export async function findVersionWrappingKey(
  keys: readonly WrappingKey[],
  entry: SecretEntry,
  version: SealedVersion,
): Promise<WrappingKey> {
  for (const key of keys) if (await key.owns(version.keyId)) return key
  const message =
    `vault: version ${version.version} of ${entry.name} was sealed with the key ${version.keyId}, ` +
    'which is not among the keys of this vault. Add it to keys, or rotate the secret.'
  throw new BursarError('wrapping_key_missing', message)
}
