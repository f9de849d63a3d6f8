import { createHash, randomUUID } from 'node:crypto'
import { writeCanonicalJson } from './canonical-json.ts'
import type { ProviderAnswer } from './provider-server.ts'

/** A spend permission in the form in which the service lists it. */
export interface CdpSpendPermission {
  readonly permission: Readonly<Record<string, string>>
  readonly permissionHash: string
  readonly network: string
  readonly createdAt: string
  revoked: boolean
}

const networks = ['base', 'base-sepolia', 'ethereum', 'optimism', 'arbitrum', 'polygon']

/** The form of each field of a permission. Numbers are decimal texts. */
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

/** Creates, lists or revokes a spend permission. Its transaction takes effect at once. */
export function handleSpendPermission(
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
    return listPermissions(own, new URLSearchParams(below.split('?')[1]))
  }
  if (method !== 'POST') return makePermissionProblem(404, 'not_found')
  const { network, ...body } = JSON.parse(text)
  if (!networks.includes(network)) return makePermissionProblem(400, 'invalid_request')
  if (below === '/revoke') {
    const known = own.find(({ permissionHash }) => permissionHash === body.permissionHash)
    if (!known || known.network !== network) return makePermissionProblem(404, 'not_found')
    known.revoked = true
    return makePermissionOperation(network)
  }
  const isWhole = Object.entries(fields).every(([name, form]) => form.test(body[name]))
  if (below !== '' || !isWhole || Number(body.start) >= Number(body.end)) {
    return makePermissionProblem(400, 'invalid_request')
  }
  const permission = { account, ...body }
  const permissionHash = `0x${createHash('sha256').update(writeCanonicalJson(permission)).digest('hex')}`
  if (!own.some((one) => one.permissionHash === permissionHash)) {
    const createdAt = new Date().toISOString()
    permissions.push({ permission, permissionHash, network, createdAt, revoked: false })
  }
  return makePermissionOperation(network)
}

function listPermissions(
  own: readonly CdpSpendPermission[],
  query: URLSearchParams,
): ProviderAnswer {
  const size = Number(query.get('pageSize') ?? 20)
  const start = Number(query.get('pageToken') ?? 0)
  const spendPermissions = own.slice(start, start + size)
  const next = start + size < own.length ? { nextPageToken: `${start + size}` } : {}
  return { status: 200, body: { spendPermissions, ...next } }
}

function makePermissionOperation(network: string): ProviderAnswer {
  const userOpHash = `0x${createHash('sha256').update(randomUUID()).digest('hex')}`
  return { status: 200, body: { network, userOpHash, calls: [], status: 'broadcast' } }
}

function makePermissionProblem(status: number, errorType: string): ProviderAnswer {
  return { status, body: { errorType, errorMessage: '', correlationId: randomUUID() } }
}
