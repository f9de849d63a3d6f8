import type { KMSClient } from '@aws-sdk/client-kms'
import { BursarError } from '@bursar/core'
import { AwsRefusal, callAws, createAwsClientConfig, loadAwsPackage } from './aws-call.ts'
import { KEY_BYTES, type SecretBinding, secretUnreadableError } from './sealed-secret.ts'
import type { WrappingKey } from './wrapping-key.ts'

/** The options of `awsKmsKey`. */
export interface AwsKmsKeyOptions {
  /**
   * The ARN of a symmetric key. The ARN of an alias is refused: an alias can be moved to a key that
   * cannot decrypt the vault.
   */
  readonly keyArn: string
  /**
   * The URL of another KMS endpoint, such as a VPC endpoint.
   *
   * @default the public endpoint of the key's region
   */
  readonly endpoint?: string | undefined
}

/** The errors of KMS for a ciphertext of another key, or of another encryption context. */
const refusalKinds: readonly string[] = ['InvalidCiphertextException', 'IncorrectKeyException']

/**
 * Creates a wrapping key that stays in AWS KMS. The encryption context holds the name, version and
 * purpose of the secret, so CloudTrail shows them for each use and a key policy can require them.
 * Putting secrets needs `kms:Encrypt`; the service needs `kms:Decrypt`.
 *
 * Throws `invalid_input` if `keyArn` is not the ARN of a key. Its methods throw
 * `wrapping_key_unavailable` if KMS fails or refuses, `secret_unreadable` if the ciphertext belongs
 * to another key or secret, and `package_missing` without the package `@aws-sdk/client-kms`.
 *
 * @example
 * ```ts
 * import { awsKmsKey, sealedVault } from 'bursar'
 *
 * const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
 * export const vault = sealedVault({ database: 'bursar.vault', keys: [awsKmsKey({ keyArn })] })
 * ```
 */
export function awsKmsKey(options: AwsKmsKeyOptions): WrappingKey {
  const { keyArn, endpoint } = options
  const [, region] = keyPattern.exec(typeof keyArn === 'string' ? keyArn : '') ?? []
  if (region === undefined) {
    const rule = "must be the ARN of a key, such as 'arn:aws:kms:eu-central-1:111122223333:key/…'"
    throw new BursarError('invalid_input', `awsKmsKey: keyArn: ${rule}.`)
  }
  const keyId = `aws-kms:${keyArn}`
  const loadClient = callKmsOnce(async () => {
    const sdk = await loadAwsPackage('@aws-sdk/client-kms', () => import('@aws-sdk/client-kms'))
    const client: KMSClient = new sdk.KMSClient(createAwsClientConfig({ region, endpoint }))
    return { sdk, client }
  })
  return {
    owns: async (id) => id === keyId,
    async wrap(dataKey, binding) {
      const { sdk, client } = await loadClient()
      const command = new sdk.EncryptCommand({
        KeyId: keyArn,
        Plaintext: dataKey,
        EncryptionContext: createKmsEncryptionContext(binding),
      })
      const answer = await callAws((call) => client.send(command, call)).catch(throwKmsError)
      const wrapped = answer.CiphertextBlob
      if (!wrapped) throw kmsError('an answer without a ciphertext')
      // A data key that another KMS key wrapped could never be unwrapped by this one.
      if (answer.KeyId !== keyArn) throw kmsError('an answer of another key')
      return { keyId, wrapped: Buffer.from(wrapped) }
    },
    async unwrap(wrapped, binding) {
      const { sdk, client } = await loadClient()
      const command = new sdk.DecryptCommand({
        KeyId: keyArn,
        CiphertextBlob: wrapped,
        EncryptionContext: createKmsEncryptionContext(binding),
      })
      const answer = await callAws((call) => client.send(command, call)).catch((error: unknown) => {
        const isRefused = error instanceof AwsRefusal && refusalKinds.includes(error.kind)
        throw isRefused ? secretUnreadableError(binding) : kmsError(error)
      })
      return takeDataKey(answer.Plaintext)
    },
  }
}

const keyPattern = /^arn:aws[a-z-]*:kms:([a-z0-9-]{1,40}):[0-9]{12}:key\/[A-Za-z0-9-]{1,64}$/

function createKmsEncryptionContext({
  name,
  version,
  purpose,
}: SecretBinding): Record<string, string> {
  return { application: 'bursar', secret: name, version: `${version}`, purpose }
}

/** Copies the data key out of an answer and overwrites the SDK's copy. */
function takeDataKey(plaintext: Uint8Array | undefined): Buffer {
  const dataKey = Buffer.from(plaintext ?? [])
  plaintext?.fill(0)
  if (dataKey.length === KEY_BYTES) return dataKey
  dataKey.fill(0)
  throw kmsError('an answer without a data key')
}

function throwKmsError(error: unknown): never {
  throw kmsError(error)
}

function kmsError(reason: unknown): BursarError {
  const cause = reason instanceof AwsRefusal ? reason.kind : reason
  const text = typeof cause === 'string' ? cause : 'no answer'
  return new BursarError('wrapping_key_unavailable', `vault: AWS KMS: ${text}.`)
}

/** Returns a function that runs the work once and shares its result. A failed run is repeated. */
function callKmsOnce<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined
  return () => {
    result ??= work().catch((error: unknown) => {
      result = undefined
      throw error
    })
    return result
  }
}
