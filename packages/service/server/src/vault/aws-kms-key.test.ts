import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { BursarError } from '@bursar/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type AwsService, startAwsService } from '../../test/aws-service.ts'
import { changeableVault } from '../../test/changeable-vault.ts'
import { openVersions } from '../../test/open-versions.ts'
import { awsKmsKey } from './aws-kms-key.ts'
import { createSealingKey, type SecretBinding } from './sealed-secret.ts'
import type { WrappingKey } from './wrapping-key.ts'

const binding: SecretBinding = { name: 'cdp', version: 3, purpose: 'wallet' }

let aws: AwsService
let key: WrappingKey
beforeEach(async () => {
  aws = await startAwsService()
  for (const [name, value] of Object.entries(aws.environment)) vi.stubEnv(name, value)
  key = awsKmsKey({ keyArn: aws.keyArn, endpoint: aws.url })
})
afterEach(async () => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
  await aws.close()
})

async function catchError(answer: Promise<unknown>): Promise<unknown> {
  return answer.then(
    () => 'done',
    (error: unknown) => error,
  )
}

test('KMS wraps, in the encryption context of the secret, by signed requests', async () => {
  const dataKey = createSealingKey()
  const { keyId, wrapped } = await key.wrap(dataKey, binding)
  expect(await key.owns(keyId)).toBe(true)
  expect(await key.owns('aws-kms:another')).toBe(false)
  expect(await key.unwrap(wrapped, binding)).toEqual(dataKey)
  expect(aws.log).toEqual(['Encrypt 200', 'Decrypt 200'])
  const context = { application: 'bursar', secret: 'cdp', version: '3', purpose: 'wallet' }
  expect(aws.contexts).toEqual([context, context])
})

test.each<[string, SecretBinding]>([
  ['name', { ...binding, name: 'privy' }],
  ['version', { ...binding, version: 2 }],
  ['purpose', { ...binding, purpose: 'webhook' as 'wallet' }],
])('KMS does not unwrap a data key in the context of another %s', async (_what, other) => {
  const { wrapped } = await key.wrap(createSealingKey(), binding)
  expect(await catchError(key.unwrap(wrapped, other))).toMatchObject({ code: 'secret_unreadable' })
  const changed = Buffer.from(wrapped)
  changed.writeUInt8(changed.readUInt8(20) ^ 1, 20)
  expect(await catchError(key.unwrap(changed, binding))).toMatchObject({
    code: 'secret_unreadable',
  })
})

test('a data key that KMS wrapped with another key is refused', async () => {
  aws.encryptsWith = `${aws.keyArn.slice(0, -1)}c`
  expect(await catchError(key.wrap(createSealingKey(), binding))).toMatchObject({
    code: 'wrapping_key_unavailable',
    message: 'vault: AWS KMS: an answer of another key.',
  })
})

test('a request that is signed with another key is refused', async () => {
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'another')
  expect(await catchError(key.wrap(createSealingKey(), binding))).toMatchObject({
    code: 'wrapping_key_unavailable',
    message: 'vault: AWS KMS: InvalidSignatureException.',
  })
})

describe('KMS that', () => {
  const faults: [string, AwsService['fault'], string][] = [
    ['denies', { status: 400, type: 'AccessDeniedException' }, 'AccessDeniedException'],
    ['has disabled the key', { status: 400, type: 'DisabledException' }, 'DisabledException'],
    ['throttles', { status: 400, type: 'ThrottlingException' }, 'ThrottlingException'],
    ['fails', { status: 500, type: 'KMSInternalException' }, 'KMSInternalException'],
    ['ends the connection', 'drop', 'TimeoutError'],
  ]
  test.each(faults)(
    '%s is reported as unavailable, without anything of the data key',
    async (...given) => {
      const [, fault, kind] = given
      const dataKey = createSealingKey()
      const { wrapped } = await key.wrap(dataKey, binding)
      aws.fault = fault
      for (const ask of [() => key.unwrap(wrapped, binding), () => key.wrap(dataKey, binding)]) {
        const error = await catchError(ask())
        expect(error).toMatchObject({ code: 'wrapping_key_unavailable' })
        expect(`${error}`).toBe(`BursarError: vault: AWS KMS: ${kind}.`)
        const shown = inspect(error, { depth: 9, showHidden: true })
        expect(shown).not.toContain(dataKey.toString('base64'))
        expect(shown).not.toContain('AKIACANARYACCESSKEY0')
      }
    },
  )

  test('does not answer is reported as unavailable after the time limit', async () => {
    vi.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(AbortSignal.abort())
    aws.fault = 'hang'
    expect(`${await catchError(key.wrap(createSealingKey(), binding))}`).toContain(
      'no answer in time',
    )
    vi.restoreAllMocks()
  })
})

test('a vault is sealed by KMS', async () => {
  const database = join(tmpdir(), `bursar-${randomUUID()}.vault`)
  const vault = changeableVault({ database, keys: [key] })
  await vault.put('cdp', Buffer.from('canary-1'))
  await vault.rotate('cdp', Buffer.from('canary-2'), { overlap: '1h' })
  expect(await openVersions(vault, 'cdp')).toEqual(['2: canary-2', '1: canary-1'])
  expect((await vault.list())[0]?.versions[0]?.key).toBe(`aws-kms:${aws.keyArn}`)
  aws.fault = { status: 400, type: 'KMSInvalidStateException' }
  expect(await catchError(openVersions(vault, 'cdp'))).toMatchObject({
    code: 'wrapping_key_unavailable',
  })
})

test.each(['', 'alias/bursar', 'arn:aws:kms:eu-central-1:111122223333:alias/x', '1234'])(
  '%j is not accepted as the ARN of a key',
  (keyArn) => {
    expect(() => awsKmsKey({ keyArn })).toThrow(BursarError)
  },
)
