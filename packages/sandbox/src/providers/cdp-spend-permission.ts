import { createHash, randomUUID } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'
import type { ProviderAnswer } from './provider-server.ts'

/** A spend permission, as the service lists it. */
export interface CdpSpendPermission {
  readonly permission: Readonly<Record<string, string>>
  readonly permissionHash: string
  readonly network: string
  readonly createdAt: string
  revoked: boolean
}

const networks = ['base', 'base-sepolia', 'ethereum', 'optimism', 'arbitrum', 'polygon']

/** How the service checks the fields of a permission. Numbers are decimal texts. */
const fields: Readonly<Record<string, RegExp>> = {
  spender: /^0x[0-9a-fA-F]{40}$/,
  token: /^0x[0-9a-fA-F]{40}$/,
  allowance: /^[1-9][0-9]*$/,
  period: /^[1-9][0-9]*$/,
  start: /^[0-9]+$/,
  end: /^[0-9]+$/,
  salt: /^[0-9]+$/,
  extraData: /^0x([0-9a-f]{2})*$/,
}

/** Creates, lists or revokes: the transaction that does it is done at once. */
export function spendPermission(
  permissions: CdpSpendPermission[],
  request: {
    readonly method: string
    /** The path below `/spend-permissions`, with its query. */
    readonly below: string
    readonly account: string
    readonly text: string
  },
): ProviderAnswer {
  const { method, below, account, text } = request
  const own = permissions.filter(({ permission }) => permission.account === account)
  if (method === 'GET' && below.startsWith('/list')) {
    return listed(own, new URLSearchParams(below.split('?')[1]))
  }
  if (method !== 'POST') return problem(404, 'not_found')
  const { network, ...body } = JSON.parse(text)
  if (!networks.includes(network)) return problem(400, 'invalid_request')
  if (below === '/revoke') {
    const known = own.find(({ permissionHash }) => permissionHash === body.permissionHash)
    if (!known || known.network !== network) return problem(404, 'not_found')
    known.revoked = true
    return operation(network)
  }
  const isWhole = Object.entries(fields).every(([name, form]) => form.test(body[name]))
  if (below !== '' || !isWhole || Number(body.start) >= Number(body.end)) {
    return problem(400, 'invalid_request')
  }
  const permission = { account, ...body }
  const permissionHash = `0x${createHash('sha256').update(canonicalJson(permission)).digest('hex')}`
  if (!own.some((one) => one.permissionHash === permissionHash)) {
    const createdAt = new Date().toISOString()
    permissions.push({ permission, permissionHash, network, createdAt, revoked: false })
  }
  return operation(network)
}

function listed(own: readonly CdpSpendPermission[], query: URLSearchParams): ProviderAnswer {
  const size = Number(query.get('pageSize') ?? 20)
  const start = Number(query.get('pageToken') ?? 0)
  const spendPermissions = own.slice(start, start + size)
  const next = start + size < own.length ? { nextPageToken: `${start + size}` } : {}
  return { status: 200, body: { spendPermissions, ...next } }
}

function operation(network: string): ProviderAnswer {
  const userOpHash = `0x${createHash('sha256').update(randomUUID()).digest('hex')}`
  return { status: 200, body: { network, userOpHash, calls: [], status: 'broadcast' } }
}

function problem(status: number, errorType: string): ProviderAnswer {
  return { status, body: { errorType, errorMessage: '', correlationId: randomUUID() } }
}
