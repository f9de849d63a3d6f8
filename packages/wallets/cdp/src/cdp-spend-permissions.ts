import { createHash } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import { BursarError, type PermissionRequest, type Permissions } from '@bursar/core'
import { SERVICE_URL, textIn, typeOf } from './cdp-answer.ts'
import {
  askCdp,
  type CdpAnswer,
  type CdpApiOptions,
  type CdpCredentials,
  type CdpRequest,
  NothingSent,
} from './cdp-api.ts'

/** The networks on which CDP has spend permissions, by their chains. */
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

/** Settings of the permissions. */
export interface CdpSpendPermissionsOptions {
  /** The end user's smart account at CDP, which holds their money. */
  readonly smartAccount: string
  readonly network: keyof typeof chains
  /** Fetches the project's credentials, for each request anew. */
  readonly credentials: () => Promise<CdpCredentials>
  /** Another address of the service, for tests. */
  readonly baseUrl?: string | undefined
}

/** A permission takes effect with a transaction: so often, and so far apart, is looked for it. */
const LOOKS = 20
const LOOK_EVERY_MS = 1_000

/** A withdrawal is looked for less often: the guard tries again by itself. */
const LOOKS_FOR_WITHDRAWAL = 8

/** A grant looks first: a request that is sent later than this could outlive its withdrawal. */
const SENDING_MS = 20_000

/** Permissions of one smart account that are looked through. */
const MAX_PAGES = 50
const PAGE_SIZE = 100

/**
 * Makes permissions of spend permissions at Coinbase CDP, which the chain holds: the wallet's account may
 * take from the end user's smart account what a delegation allows in total, until it ends or is revoked.
 * Payments are made from the wallet's own account; what it takes is taken outside of Bursar.
 *
 * A permission is found by its salt, which is made of the delegation's id. Throws the codes of `cdpWallet`,
 * `permission_invalid` where there is not exactly one asset on the network, and `permission_pending`
 * where the chain has not shown it in time.
 *
 * @example
 * const permissions = cdpSpendPermissions({ smartAccount, network: 'base', credentials })
 */
export function cdpSpendPermissions(options: CdpSpendPermissionsOptions): Permissions {
  const { smartAccount, network, credentials, baseUrl = SERVICE_URL } = options
  const wrong = (field: string, rule: string): BursarError =>
    new BursarError('invalid_input', `cdpSpendPermissions: ${field}: ${rule}.`)
  if (typeof smartAccount !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(smartAccount)) {
    throw wrong('smartAccount', 'must be an address')
  }
  if (!Object.hasOwn(chains, network)) {
    throw wrong('network', `must be one of ${Object.keys(chains).join(', ')}`)
  }
  if (typeof credentials !== 'function') throw wrong('credentials', 'must be a function')
  const api: CdpApiOptions = { credentials, baseUrl }
  const path = `/v2/evm/smart-accounts/${smartAccount}/spend-permissions`
  const find = (delegation: string) => found(api, path, saltOf(delegation))
  return {
    async grant(request) {
      const until = Date.now() + SENDING_MS
      const known = await find(request.delegation)
      if (known && !known.revoked) return { id: known.permissionHash }
      if (Date.now() >= until) {
        const text = 'cdpSpendPermissions: CDP takes too long. Nothing was asked for.'
        throw new BursarError('permission_unavailable', text)
      }
      const body = { network, ...permissionOf(request, chains[network]) }
      const idempotencyKey = uuidOf(request.delegation)
      await asked(api, { method: 'POST', path, body, idempotencyKey })
      const made = await looked(LOOKS, () => find(request.delegation))
      if (made && !made.revoked) return { id: made.permissionHash }
      const text = 'cdpSpendPermissions: the chain has not shown the permission in time.'
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
      await asked(api, { method: 'POST', path: `${path}/revoke`, body })
      await looked(LOOKS_FOR_WITHDRAWAL, async () => (await find(delegation))?.revoked || undefined)
    },
  }
}

/** One token, one allowance, for the whole life of the delegation. */
function permissionOf(request: PermissionRequest, chain: number): Readonly<Record<string, string>> {
  const here = request.assets.filter(({ asset }) => asset.network === `eip155:${chain}`)
  const [permitted] = here
  if (!permitted || here.length > 1) {
    const text = `cdpSpendPermissions: there are ${here.length} assets on eip155:${chain}, not one.`
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
    salt: saltOf(request.delegation),
    extraData: '0x',
  }
}

/** 256 bits as a decimal number, made of the delegation's id alone. */
function saltOf(delegation: string): string {
  return BigInt(`0x${digest(delegation)}`).toString()
}

function uuidOf(delegation: string): string {
  const hex = digest(`create ${delegation}`)
  const version = `4${hex.slice(13, 16)}-8${hex.slice(17, 20)}`
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${version}-${hex.slice(20, 32)}`
}

function digest(text: string): string {
  return createHash('sha256').update(`bursar spend permission ${text}`).digest('hex')
}

interface Found {
  readonly permissionHash: string
  readonly revoked: boolean
}

async function found(api: CdpApiOptions, path: string, salt: string): Promise<Found | undefined> {
  let token = ''
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query = new URLSearchParams({
      pageSize: `${PAGE_SIZE}`,
      ...(token && { pageToken: token }),
    })
    const answer = await asked(api, { method: 'GET', path: `${path}/list?${query}` })
    const body = answer.body as { readonly spendPermissions?: readonly unknown[] } | undefined
    for (const one of body?.spendPermissions ?? []) {
      const known = readPermission(one)
      if (known?.salt === salt) return known
    }
    token = textIn(answer, 'nextPageToken') ?? ''
    if (token === '') return undefined
  }
  throw new BursarError(
    'permission_unavailable',
    'cdpSpendPermissions: there are too many of them.',
  )
}

function readPermission(one: unknown): (Found & { readonly salt: string }) | undefined {
  if (typeof one !== 'object' || one === null) return undefined
  const { permission, permissionHash, revoked } = one as Readonly<Record<string, unknown>>
  const salt =
    typeof permission === 'object' && permission !== null && 'salt' in permission
      ? permission.salt
      : undefined
  if (typeof salt !== 'string' || typeof permissionHash !== 'string') return undefined
  return { salt, permissionHash, revoked: revoked === true }
}

async function asked(api: CdpApiOptions, request: CdpRequest): Promise<CdpAnswer> {
  try {
    const answer = await askCdp(api, request)
    if (answer.status < 300) return answer
    const code = answer.status === 401 ? 'credential_expired' : 'permission_unavailable'
    const text = `cdpSpendPermissions: CDP answered ${answer.status}: ${typeOf(answer)}.`
    throw new BursarError(code, text)
  } catch (error) {
    if (!(error instanceof NothingSent)) throw error
    throw new BursarError(error.code, `cdpSpendPermissions: ${error.message}.`)
  }
}

/** Looks until there is something to see, for a bounded time. */
async function looked<Seen>(
  times: number,
  look: () => Promise<Seen | undefined>,
): Promise<Seen | undefined> {
  for (let count = 1; ; count += 1) {
    const seen = await look()
    if (seen !== undefined || count === times) return seen
    await after(LOOK_EVERY_MS)
  }
}
