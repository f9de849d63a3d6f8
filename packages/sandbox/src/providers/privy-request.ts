import { type KeyObject, verify } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'
import type { ProviderAnswer, ProviderRequest } from './provider-server.ts'

/** An app, as the service keeps it. */
export interface PrivyApp {
  readonly id: string
  /** Those that are good; the newest is the last one. */
  readonly secrets: string[]
  /** Public keys by key quorum. */
  readonly quorums: Map<string, KeyObject[]>
}

/** How far in the future the end of a request may be. */
const MAX_REQUEST_LIFE_MS = 15 * 60_000

/** Why a request is not one of this app's. */
export function appRefusal(
  { id, secrets }: PrivyApp,
  { headers }: ProviderRequest,
): ProviderAnswer | undefined {
  const encoded = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
  const given = Buffer.from(encoded, 'base64').toString()
  const isKnown = headers['privy-app-id'] === id && secrets.some((one) => given === `${id}:${one}`)
  return isKnown ? undefined : unauthorized('invalid_app_credentials')
}

/** Why a request is not what one of these key quorums has signed, now. */
export function signatureRefusal(
  { id, quorums }: PrivyApp,
  request: ProviderRequest,
  url: URL,
  allowed: readonly string[],
): ProviderAnswer | undefined {
  const { headers, method, text } = request
  const given = headers['privy-authorization-signature']
  if (!given) return unauthorized('missing_or_empty_authorization_header')
  const expiry = headers['privy-request-expiry'] ?? ''
  const left = Number(expiry) - Date.now()
  if (!/^\d+$/.test(expiry) || left <= 0 || left > MAX_REQUEST_LIFE_MS) {
    return { status: 400, body: { error: 'The request has expired.', code: 'request_expired' } }
  }
  const key = headers['privy-idempotency-key']
  const payload = canonicalJson({
    version: 1,
    method,
    url: url.href,
    body: text === '' ? '' : JSON.parse(text),
    headers: {
      'privy-app-id': id,
      'privy-request-expiry': expiry,
      ...(key === undefined ? {} : { 'privy-idempotency-key': key }),
    },
  })
  const keys = allowed.flatMap((quorum) => quorums.get(quorum) ?? [])
  const isSigned = given
    .split(',')
    .some((one) =>
      keys.some((publicKey) =>
        verify('sha256', Buffer.from(payload), publicKey, Buffer.from(one, 'base64')),
      ),
    )
  return isSigned ? undefined : unauthorized('zero_correct_authorization_signatures')
}

function unauthorized(code: string): ProviderAnswer {
  return { status: 401, body: { error: 'The request is not authorized.', code } }
}
