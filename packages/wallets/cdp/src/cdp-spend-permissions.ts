import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { BursarError, type PermissionRequest, type Permissions } from '@bursar/core'
import { readCdpErrorType, readCdpText, SERVICE_URL } from './cdp-answer.ts'
import {
  type CdpAnswer,
  type CdpApiOptions,
  type CdpCredentials,
  type CdpRequest,
  callCdp,
} from './cdp-api.ts'

/** The chain id of each network on which CDP has spend permissions. */
const chains = {
  base: 8_453,
  'base-sepolia': 84_532,
  ethereum: 1,
  'ethereum-sepolia': 11_155_111,
  optimism: 10,
  arbitrum: 42_161,
  avalanche: 43_114,
  polygon: 137,
} as const

/** The options of `cdpSpendPermissions`. */
export interface CdpSpendPermissionsOptions {
  /** The address of the end user's smart account at CDP, which holds their money. */
  readonly smartAccount: string
  /** The name of the network at CDP. */
  readonly network: keyof typeof chains
  /** Fetches the project's credentials. Called for each request. */
  readonly credentials: () => Promise<CdpCredentials>
  /**
   * The address of the service. Set it in tests.
   *
   * @default 'https://api.cdp.coinbase.com/platform'
   */
  readonly baseUrl?: string | undefined
}

/** The most looks for a granted permission, which takes effect with a transaction. */
const GRANT_LOOKS = 20

/** The time between two looks. */
const LOOK_EVERY_MS = 1_000

/** The most looks for a withdrawal. They are fewer, because the guard tries again by itself. */
const WITHDRAWAL_LOOKS = 8

/**
 * The longest time until a grant sends its request. A later request could outlive its withdrawal.
 */
const SENDING_MS = 20_000

/** The most pages of a smart account's permissions that are read. */
const MAX_PAGES = 50

/** The permissions on a page. */
const PAGE_SIZE = 100

/**
 * Makes the permissions of an instrument from spend permissions at Coinbase CDP, which the block
 * chain holds. Each lets the wallet's account take a delegation's total from the end user's smart
 * account, until the delegation ends or is revoked. Payments come from the wallet's own account.
 * Your application moves the money there.
 *
 * Throws `invalid_input` for an invalid option. The methods throw `permission_invalid` if the
 * delegation has not exactly one asset on the network, `permission_pending` if the chain has not
 * shown the permission in 20 s, `credential_expired` if CDP refuses the credentials,
 * `wallet_answer_lost` if no answer came, and `permission_unavailable` or `wallet_unavailable` for
 * any other failure.
 *
 * @example
 * ```ts
 * import { type CdpCredentials, cdpSpendPermissions, cdpWallet } from '@bursar/wallet-cdp'
 *
 * declare const credentials: () => Promise<CdpCredentials>
 *
 * const smartAccount = '0x2222222222222222222222222222222222222222'
 * const instrument = {
 *   endUser: 'alice',
 *   wallet: cdpWallet({ account: 'alice-wallet', credentials }),
 *   permissions: cdpSpendPermissions({ smartAccount, network: 'base', credentials }),
 * }
 * ```
 */
export function cdpSpendPermissions(options: CdpSpendPermissionsOptions): Permissions {
  const { smartAccount, network, credentials, baseUrl = SERVICE_URL } = options
  const optionError = (field: string, rule: string): BursarError =>
    new BursarError('invalid_input', `cdpSpendPermissions: ${field}: ${rule}.`)
  if (typeof smartAccount !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(smartAccount)) {
    throw optionError('smartAccount', 'must be an address')
  }
  if (!Object.hasOwn(chains, network)) {
    throw optionError('network', `must be one of ${Object.keys(chains).join(', ')}`)
  }
  if (typeof credentials !== 'function') throw optionError('credentials', 'must be a function')
  const api: CdpApiOptions = { credentials, baseUrl }
  const path = `/v2/evm/smart-accounts/${smartAccount}/spend-permissions`
  const find = (delegation: string) => findPermission(api, path, makePermissionSalt(delegation))
  return {
    async grant(request) {
      const deadline = Date.now() + SENDING_MS
      const known = await find(request.delegation)
      if (known && !known.revoked) return { id: known.permissionHash }
      if (Date.now() >= deadline) {
        const text = `cdpSpendPermissions: CDP took over ${SENDING_MS / 1_000} s. No permission was requested.`
        throw new BursarError('permission_unavailable', text)
      }
      const body = { network, ...describePermission(request, chains[network]) }
      const idempotencyKey = makePermissionUuid(request.delegation)
      await sendPermissionRequest(api, { method: 'POST', path, body, idempotencyKey })
      const granted = await lookForPermission(GRANT_LOOKS, () => find(request.delegation))
      if (granted && !granted.revoked) return { id: granted.permissionHash }
      const text = `cdpSpendPermissions: the chain has not shown the permission in ${GRANT_LOOKS} looks.`
      throw new BursarError('permission_pending', text)
    },
    async read({ delegation }) {
      const known = await find(delegation)
      return known && !known.revoked ? 'granted' : 'absent'
    },
    async revoke({ delegation }) {
      const known = await find(delegation)
      if (!known || known.revoked) return
      const body = { network, permissionHash: known.permissionHash }
      await sendPermissionRequest(api, { method: 'POST', path: `${path}/revoke`, body })
      await lookForPermission(
        WITHDRAWAL_LOOKS,
        async () => (await find(delegation))?.revoked || undefined,
      )
    },
  }
}

/** Describes a permission of one token with one allowance for the delegation's whole life. */
function describePermission(
  request: PermissionRequest,
  chain: number,
): Readonly<Record<string, string>> {
  const permittedHere = request.assets.filter(({ asset }) => asset.network === `eip155:${chain}`)
  const [permitted] = permittedHere
  if (!permitted || permittedHere.length > 1) {
    const text = `cdpSpendPermissions: the delegation has ${permittedHere.length} assets on eip155:${chain}. Allow exactly one.`
    throw new BursarError('permission_invalid', text)
  }
  const start = Math.floor(request.startsAt / 1_000)
  const end = Math.ceil(request.expiresAt / 1_000)
  return {
    spender: request.address,
    token: permitted.asset.address,
    allowance: `${permitted.total}`,
    period: `${end - start}`,
    start: `${start}`,
    end: `${end}`,
    salt: makePermissionSalt(request.delegation),
    extraData: '0x',
  }
}

/** Derives a permission's salt from the delegation's id: 256 bits as a decimal number. */
function makePermissionSalt(delegation: string): string {
  return BigInt(`0x${hashPermissionText(delegation)}`).toString()
}

/** Derives the idempotency key of a grant from the delegation's id. */
function makePermissionUuid(delegation: string): string {
  const hex = hashPermissionText(`create ${delegation}`)
  const version = `4${hex.slice(13, 16)}-8${hex.slice(17, 20)}`
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${version}-${hex.slice(20, 32)}`
}

function hashPermissionText(text: string): string {
  return createHash('sha256').update(`bursar spend permission ${text}`).digest('hex')
}

/** A permission that CDP knows. */
interface FoundPermission {
  readonly permissionHash: string
  readonly revoked: boolean
}

/** Finds a permission by its salt among all of the smart account. */
async function findPermission(
  api: CdpApiOptions,
  path: string,
  salt: string,
): Promise<FoundPermission | undefined> {
  let token = ''
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query = new URLSearchParams({
      pageSize: `${PAGE_SIZE}`,
      ...(token && { pageToken: token }),
    })
    const answer = await sendPermissionRequest(api, {
      method: 'GET',
      path: `${path}/list?${query}`,
    })
    const body = answer.body as { readonly spendPermissions?: readonly unknown[] } | undefined
    for (const one of body?.spendPermissions ?? []) {
      const known = readPermission(one)
      if (known?.salt === salt) return known
    }
    token = readCdpText(answer, 'nextPageToken') ?? ''
    if (token === '') return undefined
  }
  throw new BursarError(
    'permission_unavailable',
    `cdpSpendPermissions: the smart account has over ${MAX_PAGES * PAGE_SIZE} permissions.`,
  )
}

function readPermission(one: unknown): (FoundPermission & { readonly salt: string }) | undefined {
  if (typeof one !== 'object' || one === null) return undefined
  const { permission, permissionHash, revoked } = one as Readonly<Record<string, unknown>>
  const salt =
    typeof permission === 'object' && permission !== null && 'salt' in permission
      ? permission.salt
      : undefined
  if (typeof salt !== 'string' || typeof permissionHash !== 'string') return undefined
  return { salt, permissionHash, revoked: revoked === true }
}

async function sendPermissionRequest(api: CdpApiOptions, request: CdpRequest): Promise<CdpAnswer> {
  const answer = await callCdp('cdpSpendPermissions', api, request)
  if (answer.status < 300) return answer
  const code = answer.status === 401 ? 'credential_expired' : 'permission_unavailable'
  const text = `cdpSpendPermissions: CDP answered ${answer.status}: ${readCdpErrorType(answer)}.`
  throw new BursarError(code, text)
}

/** Looks until a look returns a value, a bounded number of times. Returns undefined if none did. */
async function lookForPermission<Seen>(
  times: number,
  look: () => Promise<Seen | undefined>,
): Promise<Seen | undefined> {
  for (let count = 1; ; count += 1) {
    const seen = await look()
    if (seen !== undefined || count === times) return seen
    await sleep(LOOK_EVERY_MS)
  }
}
