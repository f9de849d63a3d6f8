import { createHash } from 'node:crypto'
import {
  BursarError,
  type PermissionName,
  type PermissionRequest,
  type Permissions,
  type PermittedAsset,
} from '@bursar/core'
import {
  askPrivy,
  type PrivyApiOptions,
  type PrivyCall,
  type PrivyCredentials,
} from './privy-api.ts'

/** Settings of the permissions. */
export interface PrivyPermissionsOptions {
  /** Id of the policy that the guard's signer is held to. It may be without a rule at first. */
  readonly policy: string
  /**
   * Fetches credentials with the key of the policy's owner, for each request anew. They are not those
   * that sign: whoever has only the signer's key cannot widen what it may sign.
   */
  readonly credentials: () => Promise<PrivyCredentials>
  /** Another address of the service, for tests. */
  readonly baseUrl?: string | undefined
}

const SERVICE_URL = 'https://api.privy.io'

type Policies = ReturnType<PrivyCall['client']['policies']>
type RuleInput = Omit<Parameters<Policies['createRule']>[1], 'authorization_context'>
type Rule = Awaited<ReturnType<Policies['get']>>['rules'][number]
type Condition = RuleInput['conditions'][number]

/** A grant is several requests: one that is sent later than this could outlive its withdrawal. */
const SENDING_MS = 20_000

/**
 * Makes permissions of a policy at Privy: each delegation gets rules that let its transfers be signed, by
 * asset, amount of one payment, payees where all are known, and time. Privy knows no total: that is the
 * ledger's alone.
 *
 * Cancellations of what was signed stay allowed when a delegation ends: they can move nothing. Throws
 * the codes of `privyWallet`.
 *
 * @example
 * const permissions = privyPermissions({ policy: policyId, credentials: () => secrets.open('privy-owner') })
 */
export function privyPermissions(options: PrivyPermissionsOptions): Permissions {
  const { policy, credentials, baseUrl = SERVICE_URL } = options
  if (typeof policy !== 'string' || !/^[A-Za-z0-9_-]{1,100}$/.test(policy)) {
    throw new BursarError('invalid_input', 'privyPermissions: policy: must be the id of a policy.')
  }
  if (typeof credentials !== 'function') {
    throw new BursarError('invalid_input', 'privyPermissions: credentials: must be a function.')
  }
  const api: PrivyApiOptions = { credentials, baseUrl }
  const rulesOf = async ({ id, delegation }: PermissionName): Promise<readonly Rule[]> => {
    const rules = await rulesIn(api, id ?? policy)
    return rules.filter(({ name }) => name.startsWith(`${delegation} `))
  }
  return {
    async grant(request) {
      const until = Date.now() + SENDING_MS
      const wanted = wantedRules(request)
      const known = (await rulesIn(api, policy)).map(({ name }) => name)
      for (const rule of wanted.filter(({ name }) => !known.includes(name))) {
        if (Date.now() >= until) throw tooSlow()
        await asked(api, ({ client, authorized }) =>
          client.policies().createRule(policy, { ...authorized(), ...rule }),
        )
      }
      return { id: policy }
    },
    read: async (permission) => ((await rulesOf(permission)).length > 0 ? 'granted' : 'absent'),
    async revoke(permission) {
      const policy_id = permission.id ?? policy
      for (const rule of await rulesOf(permission)) {
        const answer = await askPrivy(api, ({ client, authorized }) =>
          client.policies().deleteRule(rule.id, { ...authorized(), policy_id }),
        )
        // Whoever else withdraws it at this moment was first.
        if (!('result' in answer) && answer.status !== 404) throw refusal(answer)
      }
    },
  }
}

async function rulesIn(api: PrivyApiOptions, policy: string): Promise<readonly Rule[]> {
  return (await asked(api, ({ client }) => client.policies().get(policy))).rules
}

async function asked<Result>(
  api: PrivyApiOptions,
  ask: (call: PrivyCall) => Promise<Result>,
): Promise<Result> {
  const answer = await askPrivy(api, ask)
  if ('result' in answer) return answer.result
  throw refusal(answer)
}

function refusal(answer: { readonly refused: string; readonly reason: string }): BursarError {
  return new BursarError(answer.refused, `privyPermissions: ${answer.reason}.`)
}

function tooSlow(): BursarError {
  const text = 'privyPermissions: Privy takes too long. What it has of the permission is withdrawn.'
  return new BursarError('permission_unavailable', text)
}

/** The rules of a delegation have its id in their names; those that cancel are everybody's. */
function wantedRules(request: PermissionRequest): readonly RuleInput[] {
  const { delegation, assets } = request
  if (assets.length === 0) {
    const text = 'privyPermissions: there is no asset that the delegation could be spent in.'
    throw new BursarError('permission_invalid', text)
  }
  return assets.flatMap((permitted, index) => [
    rule(`${delegation} pay ${index}`, transferConditions(request, permitted)),
    rule(cancelName(permitted, request.address), cancelConditions(permitted, request.address)),
  ])
}

function rule(name: string, conditions: Condition[]): RuleInput {
  return { name, method: 'eth_signTypedData_v4', action: 'ALLOW', conditions }
}

/** The same for every delegation of a wallet, and short. */
function cancelName({ asset }: PermittedAsset, address: string): string {
  const what = `${asset.network} ${asset.address} ${address}`
  return `cancel ${createHash('sha256').update(what).digest('hex').slice(0, 32)}`
}

function transferConditions(
  { address, payees, expiresAt }: PermissionRequest,
  { asset, perPayment }: PermittedAsset,
): Condition[] {
  const typed_data = { primary_type: 'TransferWithAuthorization', types: transferTypes }
  const field_source = 'ethereum_typed_data_message'
  const toPayees: Condition[] = payees
    ? [{ field_source, field: 'to', operator: 'in', value: [...payees], typed_data }]
    : []
  return [
    ...domainConditions(asset),
    // The policy is that of every wallet with this signer: each rule is for one of them.
    { field_source, field: 'from', operator: 'eq', value: address, typed_data },
    { field_source, field: 'value', operator: 'lte', value: `${perPayment}`, typed_data },
    ...toPayees,
    {
      field_source: 'system',
      field: 'current_unix_timestamp',
      operator: 'lt',
      value: `${Math.ceil(expiresAt / 1_000)}`,
    },
  ]
}

function cancelConditions({ asset }: PermittedAsset, address: string): Condition[] {
  const typed_data = { primary_type: 'CancelAuthorization', types: cancelTypes }
  const field_source = 'ethereum_typed_data_message'
  return [
    ...domainConditions(asset),
    { field_source, field: 'authorizer', operator: 'eq', value: address, typed_data },
  ]
}

function domainConditions(asset: PermittedAsset['asset']): Condition[] {
  const field_source = 'ethereum_typed_data_domain'
  return [
    { field_source, field: 'chainId', operator: 'eq', value: chainOf(asset) },
    { field_source, field: 'verifyingContract', operator: 'eq', value: asset.address },
  ]
}

function chainOf({ network }: PermittedAsset['asset']): string {
  return network.replace(/^eip155:/, '')
}

const transferTypes = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
}

const cancelTypes = {
  CancelAuthorization: [
    { name: 'authorizer', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
  ],
}
