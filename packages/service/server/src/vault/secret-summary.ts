import type { SecretPurpose } from './sealed-secret.ts'
import type { SecretEntry } from './vault-document.ts'

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

/** Nothing of what is sealed, nor of the key. */
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
