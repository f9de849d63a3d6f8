import type { KMSClient } from '@aws-sdk/client-kms'
import { BursarError } from '@bursar/core'
import { AwsRefusal, awsCall, awsClientConfig, loadAwsPackage } from './aws-call.ts'
import { KEY_BYTES, type SecretBinding, unreadable } from './sealed-secret.ts'
import type { WrappingKey } from './wrapping-key.ts'

/** What `awsKmsKey` takes. */
export interface AwsKmsKeyOptions {
  /**
   * The ARN of a symmetric key. Not of an alias: that could be pointed to a key that cannot open
   * what was sealed.
   */
  readonly keyArn: string
  /** Another address of KMS, such as that of a VPC endpoint. */
  readonly endpoint?: string | undefined
}

/** What KMS says of a ciphertext that this key did not make, or not in this context. */
const refused: readonly string[] = ['InvalidCiphertextException', 'IncorrectKeyException']

/**
 * A wrapping key in AWS KMS, which never leaves it. Name, version and purpose of a secret are the
 * encryption context: they are in CloudTrail for each use, and a policy can ask for them. Whoever
 * puts secrets needs `kms:Encrypt` alone, and the service `kms:Decrypt` alone.
 *
 * Throws `wrapping_key_unavailable` where KMS cannot or does not want to, and `package_missing`
 * without `@aws-sdk/client-kms`.
 *
 * @example
 * const keys = [awsKmsKey({ keyArn: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-…' })]
 */
export function awsKmsKey(options: AwsKmsKeyOptions): WrappingKey {
  const { keyArn, endpoint } = options
  const [, region] = keyPattern.exec(typeof keyArn === 'string' ? keyArn : '') ?? []
  if (region === undefined) {
    const rule = "must be the ARN of a key, such as 'arn:aws:kms:eu-central-1:111122223333:key/…'"
    throw new BursarError('invalid_input', `awsKmsKey: keyArn: ${rule}.`)
  }
  const keyId = `aws-kms:${keyArn}`
  const loaded = once(async () => {
    const sdk = await loadAwsPackage('@aws-sdk/client-kms', () => import('@aws-sdk/client-kms'))
    const client: KMSClient = new sdk.KMSClient(awsClientConfig({ region, endpoint }))
    return { sdk, client }
  })
  return {
    owns: async (id) => id === keyId,
    async wrap(dataKey, binding) {
      const { sdk, client } = await loaded()
      const command = new sdk.EncryptCommand({
        KeyId: keyArn,
        Plaintext: dataKey,
        EncryptionContext: contextOf(binding),
      })
      const answer = await awsCall((call) => client.send(command, call)).catch(unavailable)
      const wrapped = answer.CiphertextBlob
      if (!wrapped) throw unusable('an answer without a ciphertext')
      // What this key cannot unwrap would be lost with the value that it was made for.
      if (answer.KeyId !== keyArn) throw unusable('an answer of another key')
      return { keyId, wrapped: Buffer.from(wrapped) }
    },
    async unwrap(wrapped, binding) {
      const { sdk, client } = await loaded()
      const command = new sdk.DecryptCommand({
        KeyId: keyArn,
        CiphertextBlob: wrapped,
        EncryptionContext: contextOf(binding),
      })
      const answer = await awsCall((call) => client.send(command, call)).catch((error: unknown) => {
        const isRefused = error instanceof AwsRefusal && refused.includes(error.kind)
        throw isRefused ? unreadable(binding) : unusable(error)
      })
      return dataKeyOf(answer.Plaintext)
    },
  }
}

const keyPattern = /^arn:aws[a-z-]*:kms:([a-z0-9-]{1,40}):[0-9]{12}:key\/[A-Za-z0-9-]{1,64}$/

function contextOf({ name, version, purpose }: SecretBinding): Record<string, string> {
  return { application: 'bursar', secret: name, version: `${version}`, purpose }
}

/** The SDK's own copy is overwritten. */
function dataKeyOf(plaintext: Uint8Array | undefined): Buffer {
  const dataKey = Buffer.from(plaintext ?? [])
  plaintext?.fill(0)
  if (dataKey.length === KEY_BYTES) return dataKey
  dataKey.fill(0)
  throw unusable('an answer without a data key')
}

function unavailable(error: unknown): never {
  throw unusable(error)
}

function unusable(reason: unknown): BursarError {
  const told = reason instanceof AwsRefusal ? reason.kind : reason
  const text = typeof told === 'string' ? told : 'no answer'
  return new BursarError('wrapping_key_unavailable', `vault: AWS KMS: ${text}.`)
}

/** Runs once; after a failure it runs again. */
function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined
  return () => {
    result ??= work().catch((error: unknown) => {
      result = undefined
      throw error
    })
    return result
  }
}
