import { createHash } from 'node:crypto'
import {
  BursarError,
  type PermissionName,
  type PermissionRequest,
  type Permissions,
  type PermittedAsset,
} from '@bursar/core'
import {
  callPrivy,
  type PrivyApiOptions,
  type PrivyCall,
  type PrivyCredentials,
  privyRefusalError,
  sendPrivyRequest,
} from './privy-api.ts'

/** The options of `privyPermissions`. */
export interface PrivyPermissionsOptions {
  /** The id of the policy that limits the guard's signer. The policy may have no rule at first. */
  readonly policy: string
  /**
   * Fetches credentials with the key of the policy's owner. Called for each request. They differ
   * from the wallet's credentials, so that the signer's key alone cannot widen the policy.
   */
  readonly credentials: () => Promise<PrivyCredentials>
  /**
   * The address of the service. Set it in tests.
   *
   * @default 'https://api.privy.io'
   */
  readonly baseUrl?: string | undefined
}

const SERVICE_URL = 'https://api.privy.io'

/** The function that the application called, as errors name it. */
const source = 'privyPermissions'

type Policies = ReturnType<PrivyCall['client']['policies']>
type RuleInput = Omit<Parameters<Policies['createRule']>[1], 'authorization_context'>
type Rule = Awaited<ReturnType<Policies['get']>>['rules'][number]
type Condition = RuleInput['conditions'][number]

/**
 * The longest time until a grant sends its last request. A later request could outlive its
 * withdrawal.
 */
const SENDING_MS = 20_000

/**
 * Makes the permissions of an instrument from a policy at Privy. Each delegation gets rules that
 * allow its transfers, by asset, amount per payment, payees if all are known, and time. Privy has
 * no limit on a total: only the ledger enforces that.
 *
 * The rules for cancellations stay when a delegation ends: a cancellation moves no money. Throws
 * `invalid_input` for an invalid option. The methods throw `permission_invalid` if the delegation
 * has no asset, `permission_unavailable` if Privy is too slow, `credential_expired` if it refuses
 * the credentials, `wallet_answer_lost` if no answer came, and `wallet_unavailable` for any other
 * failure.
 *
 * @example
 * ```ts
 * import { type PrivyCredentials, privyPermissions } from '@bursar/wallet-privy'
 *
 * declare const ownerCredentials: () => Promise<PrivyCredentials>
 *
 * const permissions = privyPermissions({
 *   policy: 'policy-of-the-guard',
 *   credentials: ownerCredentials,
 * })
 * ```
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
  const findOwnRules = async ({ id, delegation }: PermissionName): Promise<readonly Rule[]> => {
    const rules = await readPermissionRules(api, id ?? policy)
    return rules.filter(({ name }) => name.startsWith(`${delegation} `))
  }
  return {
    async grant(request) {
      const deadline = Date.now() + SENDING_MS
      const rules = makePermissionRules(request)
      const knownNames = (await readPermissionRules(api, policy)).map(({ name }) => name)
      for (const rule of rules.filter(({ name }) => !knownNames.includes(name))) {
        if (Date.now() >= deadline) throw permissionTimeoutError()
        await callPrivy(source, api, ({ client, authorize }) =>
          client.policies().createRule(policy, { ...authorize(), ...rule }),
        )
      }
      return { id: policy }
    },
    read: async (permission) =>
      (await findOwnRules(permission)).length > 0 ? 'granted' : 'absent',
    async revoke(permission) {
      const policy_id = permission.id ?? policy
      for (const rule of await findOwnRules(permission)) {
        const answer = await sendPrivyRequest(api, ({ client, authorize }) =>
          client.policies().deleteRule(rule.id, { ...authorize(), policy_id }),
        )
        // Another process may have withdrawn the rule at the same moment.
        if (!('result' in answer) && answer.status !== 404) throw privyRefusalError(source, answer)
      }
    },
  }
}

async function readPermissionRules(api: PrivyApiOptions, policy: string): Promise<readonly Rule[]> {
  return (await callPrivy(source, api, ({ client }) => client.policies().get(policy))).rules
}

function permissionTimeoutError(): BursarError {
  const text = `${source}: Privy took over ${SENDING_MS / 1_000} s. The rules made so far are withdrawn.`
  return new BursarError('permission_unavailable', text)
}

/** Makes the rules of a delegation. A rule for transfers has the delegation's id in its name. */
function makePermissionRules(request: PermissionRequest): readonly RuleInput[] {
  const { delegation, assets } = request
  if (assets.length === 0) {
    const text = 'privyPermissions: the delegation has no asset to pay in. Allow at least one.'
    throw new BursarError('permission_invalid', text)
  }
  return assets.flatMap((permitted, index) => [
    makePermissionRule(
      `${delegation} pay ${index}`,
      makePermittedTransferConditions(request, permitted),
    ),
    makePermissionRule(
      makePermissionCancelName(permitted, request.address),
      makePermittedCancelConditions(permitted, request.address),
    ),
  ])
}

function makePermissionRule(name: string, conditions: Condition[]): RuleInput {
  return { name, method: 'eth_signTypedData_v4', action: 'ALLOW', conditions }
}

/**
 * Makes the name of the rule for cancellations, which all delegations of a wallet share. Names are
 * short.
 */
function makePermissionCancelName({ asset }: PermittedAsset, address: string): string {
  const scope = `${asset.network} ${asset.address} ${address}`
  return `cancel ${createHash('sha256').update(scope).digest('hex').slice(0, 32)}`
}

function makePermittedTransferConditions(
  { address, payees, expiresAt }: PermissionRequest,
  { asset, perPayment }: PermittedAsset,
): Condition[] {
  const typed_data = { primary_type: 'TransferWithAuthorization', types: transferTypes }
  const field_source = 'ethereum_typed_data_message'
  const toPayees: Condition[] = payees
    ? [{ field_source, field: 'to', operator: 'in', value: [...payees], typed_data }]
    : []
  return [
    ...makePermittedDomainConditions(asset),
    // Every wallet with this signer has the policy, so each rule names its wallet.
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

function makePermittedCancelConditions({ asset }: PermittedAsset, address: string): Condition[] {
  const typed_data = { primary_type: 'CancelAuthorization', types: cancelTypes }
  const field_source = 'ethereum_typed_data_message'
  return [
    ...makePermittedDomainConditions(asset),
    { field_source, field: 'authorizer', operator: 'eq', value: address, typed_data },
  ]
}

function makePermittedDomainConditions(asset: PermittedAsset['asset']): Condition[] {
  const field_source = 'ethereum_typed_data_domain'
  return [
    { field_source, field: 'chainId', operator: 'eq', value: readPermittedChainId(asset) },
    { field_source, field: 'verifyingContract', operator: 'eq', value: asset.address },
  ]
}

function readPermittedChainId({ network }: PermittedAsset['asset']): string {
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
