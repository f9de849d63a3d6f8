import type { SecretPurpose } from './sealed-secret.ts'
import type { SecretEntry } from './vault-document.ts'

/** The public facts about a secret. */
export interface SecretSummary {
  /** The name of the secret. */
  readonly name: string
  /** The versions of the secret, newest first. */
  readonly versions: readonly {
    /** The number of the version, counted from 1. */
    readonly version: number
    /** The purpose that the version is sealed for. */
    readonly purpose: SecretPurpose
    /** The time of sealing, in milliseconds since the epoch. */
    readonly createdAt: number
    /** The end of the overlap after a rotation, in milliseconds since the epoch. */
    readonly endsAt?: number
    /** The id of the wrapping key: part of a hash for a local key, the ARN for KMS. */
    readonly key: string
  }[]
}

/** Summarises a secret without anything of its value or its keys. */
export function summarizeSecret({ name, versions }: SecretEntry): SecretSummary {
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
