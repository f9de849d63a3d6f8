import type { KMSClient } from '@aws-sdk/client-kms'
import { BursarError } from '@bursar/core'
import { AwsRefusal, callAws, createAwsClientConfig, loadAwsPackage } from './aws-call.ts'
import { KEY_BYTES, type SecretBinding, secretUnreadableError } from './sealed-secret.ts'
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
const refusalKinds: readonly string[] = ['InvalidCiphertextException', 'IncorrectKeyException']

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
  const loadClient = runOnce(async () => {
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
        EncryptionContext: createEncryptionContext(binding),
      })
      const answer = await callAws((call) => client.send(command, call)).catch(throwKmsError)
      const wrapped = answer.CiphertextBlob
      if (!wrapped) throw kmsError('an answer without a ciphertext')
      // What this key cannot unwrap would be lost with the value that it was made for.
      if (answer.KeyId !== keyArn) throw kmsError('an answer of another key')
      return { keyId, wrapped: Buffer.from(wrapped) }
    },
    async unwrap(wrapped, binding) {
      const { sdk, client } = await loadClient()
      const command = new sdk.DecryptCommand({
        KeyId: keyArn,
        CiphertextBlob: wrapped,
        EncryptionContext: createEncryptionContext(binding),
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

function createEncryptionContext({
  name,
  version,
  purpose,
}: SecretBinding): Record<string, string> {
  return { application: 'bursar', secret: name, version: `${version}`, purpose }
}

/** The SDK's own copy is overwritten. */
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

/** Runs once; after a failure it runs again. */
function runOnce<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined
  return () => {
    result ??= work().catch((error: unknown) => {
      result = undefined
      throw error
    })
    return result
  }
}
