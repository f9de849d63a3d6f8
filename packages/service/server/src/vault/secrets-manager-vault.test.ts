import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type AwsService, startAwsService } from '../../test/aws-service.ts'
import { openVersions } from '../../test/open-versions.ts'
import { secretsManagerVault } from './secrets-manager-vault.ts'
import type { Vault } from './vault.ts'

let aws: AwsService
let vault: Vault
beforeEach(async () => {
  aws = await startAwsService()
  for (const [name, value] of Object.entries(aws.environment)) vi.stubEnv(name, value)
  vault = secretsManagerVault({ region: 'eu-central-1', endpoint: aws.url })
  aws.secrets.set('payments/cdp', [
    { id: 'version-0', value: 'canary-0', stages: [] },
    { id: 'version-1', value: 'canary-1', stages: ['AWSPREVIOUS'] },
    { id: 'version-2', value: 'canary-2', stages: ['AWSCURRENT', 'green'] },
    { id: 'version-3', value: 'canary-3', stages: ['AWSPENDING'] },
  ])
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await aws.close()
})

test('opens the current version, and the previous one if the provider refuses it', async () => {
  expect(await openVersions(vault, 'payments/cdp')).toEqual([
    'version-2: canary-2',
    'version-1: canary-1',
  ])
  expect(aws.log).toEqual(['DescribeSecret 200', 'GetSecretValue 200', 'GetSecretValue 200'])
})

test('uses a rotated secret from the next signature on', async () => {
  await openVersions(vault, 'payments/cdp')
  const versions = aws.secrets.get('payments/cdp') ?? []
  versions.splice(0, 4, { id: 'version-4', value: 'canary-4', stages: ['AWSCURRENT'] })
  expect(await openVersions(vault, 'payments/cdp')).toEqual(['version-4: canary-4'])
})

test('a secret that is missing or cannot be read is reported without its value', async () => {
  const missing = await openVersions(vault, 'payments/none').catch((error: unknown) => error)
  expect(missing).toMatchObject({ code: 'secret_unknown' })
  aws.fault = { status: 400, type: 'AccessDeniedException' }
  const denied = await openVersions(vault, 'payments/cdp').catch((error: unknown) => error)
  expect(denied).toMatchObject({
    code: 'secret_source_unavailable',
    message: 'vault: AWS Secrets Manager: AccessDeniedException.',
  })
  expect(inspect([missing, denied], { depth: 9, showHidden: true })).not.toContain('canary')
})

test('refuses an invalid region', () => {
  const problem = expect.objectContaining({ code: 'invalid_input' })
  expect(() => secretsManagerVault({ region: 'everywhere!' })).toThrow(problem)
})
