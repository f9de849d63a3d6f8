import { BursarError } from '@bursar/core'
import { createDataKey, type SecretPurpose, sealSecret, unsealSecret } from './sealed-secret.ts'
import { createBinding, type SealedVersion, type SecretEntry } from './vault-document.ts'
import type { WrappingKey } from './wrapping-key.ts'

const PURPOSE: SecretPurpose = 'wallet'

/** Seals a value as a version of a secret. The value stays the caller's. */
export async function sealVersion(
  key: WrappingKey,
  given: { readonly name: string; readonly version: number; readonly value: Buffer },
): Promise<SealedVersion> {
  const { name, version, value } = given
  const binding = { name, version, purpose: PURPOSE }
  const dataKey = createDataKey()
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

/** The value of a version, in a buffer that is the caller's. Throws what the wrapping keys throw. */
export async function openVersion(
  keys: readonly WrappingKey[],
  entry: SecretEntry,
  version: SealedVersion,
): Promise<Buffer> {
  const dataKey = await unwrapDataKeyOfVersion(keys, entry, version)
  try {
    return unsealSecret(dataKey, createBinding(entry, version), version)
  } finally {
    dataKey.fill(0)
  }
}

/** The value stays sealed as it is: only its data key is wrapped anew. */
export async function rewrapVersion(
  keys: readonly WrappingKey[],
  wrapping: WrappingKey,
  entry: SecretEntry,
  version: SealedVersion,
): Promise<SealedVersion> {
  const binding = createBinding(entry, version)
  const dataKey = await unwrapDataKeyOfVersion(keys, entry, version)
  try {
    // What cannot be opened is not made to look new.
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
  const key = await findWrappingKey(keys, entry, version)
  return key.unwrap(Buffer.from(version.wrappedKey, 'base64'), createBinding(entry, version))
}

/** The key that has wrapped a version's data key. Throws `wrapping_key_missing`, and what keys throw. */
export async function findWrappingKey(
  keys: readonly WrappingKey[],
  entry: SecretEntry,
  version: SealedVersion,
): Promise<WrappingKey> {
  for (const key of keys) if (await key.owns(version.keyId)) return key
  const message =
    `vault: version ${version.version} of ${entry.name} was sealed with the key ${version.keyId}, ` +
    'which is not among the keys of this vault.'
  throw new BursarError('wrapping_key_missing', message)
}
