import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { BursarError } from '@bursar/core'
import {
  type AwsPlace,
  AwsRefusal,
  callAws,
  createAwsClientConfig,
  loadAwsPackage,
} from './aws-call.ts'
import type { SecretSource, SecretVersion } from './secret-source.ts'
import { createVault, type Vault } from './vault.ts'

/** The stages of valid versions, newest first. AWS keeps the previous one until the next rotation. */
const stages = ['AWSCURRENT', 'AWSPREVIOUS']

/**
 * Creates a vault over AWS Secrets Manager, where your own tooling puts, rotates and removes the
 * secrets. A secret is read by name or ARN for each request and never kept. The service needs
 * `secretsmanager:DescribeSecret`, `secretsmanager:GetSecretValue` and the package
 * `@aws-sdk/client-secrets-manager`.
 *
 * Throws `invalid_input` if the region is not valid. Its wallets answer `wallet_unavailable` if a
 * secret cannot be read.
 *
 * @example
 * ```ts
 * import type { Wallet } from '@bursar/core'
 * import { type OpenedSecret, secretsManagerVault } from 'bursar'
 *
 * declare const address: string
 * declare function createWallet(secret: OpenedSecret): Wallet
 * const vault = secretsManagerVault({ region: 'eu-central-1' })
 * export const wallet = vault.wallet({ secret: 'payments/cdp', address, wallet: createWallet })
 * ```
 */
export function secretsManagerVault(options: AwsPlace): Vault {
  const { region, endpoint } = options
  if (typeof region !== 'string' || !/^[a-z0-9-]{1,40}$/.test(region)) {
    const rule = "must be a region such as 'eu-central-1'"
    throw new BursarError('invalid_input', `secretsManagerVault: region: ${rule}.`)
  }
  return createVault(createSecretsManagerSource({ region, endpoint }))
}

function createSecretsManagerSource(place: AwsPlace): SecretSource {
  let client: SecretsManagerClient | undefined
  const loadClient = async () => {
    const name = '@aws-sdk/client-secrets-manager'
    const sdk = await loadAwsPackage(name, () => import('@aws-sdk/client-secrets-manager'))
    client ??= new sdk.SecretsManagerClient(createAwsClientConfig(place))
    return { sdk, client }
  }
  const openValue = async (secret: string, version: string): Promise<Buffer> => {
    const { sdk, client } = await loadClient()
    const command = new sdk.GetSecretValueCommand({ SecretId: secret, VersionId: version })
    const answer = await callAws((call) => client.send(command, call)).catch(
      throwSecretsManagerError(secret),
    )
    const { SecretString: text, SecretBinary: bytes } = answer
    if (text !== undefined) return Buffer.from(text)
    const value = Buffer.from(bytes ?? [])
    bytes?.fill(0)
    return value
  }
  return {
    async versions(secret) {
      const { sdk, client } = await loadClient()
      const command = new sdk.DescribeSecretCommand({ SecretId: secret })
      const answer = await callAws((call) => client.send(command, call)).catch(
        throwSecretsManagerError(secret),
      )
      const ids = Object.entries(answer.VersionIdsToStages ?? {})
      return stages.flatMap((stage): SecretVersion[] => {
        const [id] = ids.find(([, labels]) => labels.includes(stage)) ?? []
        return id === undefined ? [] : [{ version: id, open: () => openValue(secret, id) }]
      })
    },
  }
}

function throwSecretsManagerError(secret: string): (error: unknown) => never {
  return (error) => {
    const kind = error instanceof AwsRefusal ? error.kind : 'no answer'
    if (kind === 'ResourceNotFoundException') {
      throw new BursarError('secret_unknown', `vault: AWS Secrets Manager has no ${secret}.`)
    }
    const message = `vault: AWS Secrets Manager: ${kind}.`
    throw new BursarError('secret_source_unavailable', message)
  }
}
