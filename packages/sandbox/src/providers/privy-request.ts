import { type KeyObject, verify } from 'node:crypto'
import { writeCanonicalJson } from './canonical-json.ts'
import type { ProviderAnswer, ProviderRequest } from './provider-server.ts'

/** An app at the service. */
export interface PrivyApp {
  readonly id: string
  /** The valid secrets, the newest last. */
  readonly secrets: string[]
  /** The public keys of each key quorum. */
  readonly quorums: Map<string, KeyObject[]>
}

/** The longest time until a request expires. */
const MAX_REQUEST_LIFE_MS = 15 * 60_000

/**
 * Returns the refusal of a request without the app's credentials. Returns undefined if it has them.
 */
export function findPrivyAppRefusal(
  { id, secrets }: PrivyApp,
  { headers }: ProviderRequest,
): ProviderAnswer | undefined {
  const encoded = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
  const credentials = Buffer.from(encoded, 'base64').toString()
  const isKnown =
    headers['privy-app-id'] === id && secrets.some((one) => credentials === `${id}:${one}`)
  return isKnown ? undefined : makeUnauthorizedPrivyAnswer('invalid_app_credentials')
}

/**
 * Returns the refusal of a request that no allowed key quorum has signed. Returns undefined if one
 * has.
 */
export function findPrivySignatureRefusal(
  { id, quorums }: PrivyApp,
  request: ProviderRequest,
  url: URL,
  allowedQuorums: readonly string[],
): ProviderAnswer | undefined {
  const { headers, method, text } = request
  const signatures = headers['privy-authorization-signature']
  if (!signatures) return makeUnauthorizedPrivyAnswer('missing_or_empty_authorization_header')
  const expiry = headers['privy-request-expiry'] ?? ''
  const leftMs = Number(expiry) - Date.now()
  if (!/^\d+$/.test(expiry) || leftMs <= 0 || leftMs > MAX_REQUEST_LIFE_MS) {
    return { status: 400, body: { error: 'The request has expired.', code: 'request_expired' } }
  }
  const key = headers['privy-idempotency-key']
  const payload = writeCanonicalJson({
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
  const keys = allowedQuorums.flatMap((quorum) => quorums.get(quorum) ?? [])
  const isSigned = signatures
    .split(',')
    .some((one) =>
      keys.some((publicKey) =>
        verify('sha256', Buffer.from(payload), publicKey, Buffer.from(one, 'base64')),
      ),
    )
  return isSigned ? undefined : makeUnauthorizedPrivyAnswer('zero_correct_authorization_signatures')
}

function makeUnauthorizedPrivyAnswer(code: string): ProviderAnswer {
  return { status: 401, body: { error: 'The request is not authorized.', code } }
}
