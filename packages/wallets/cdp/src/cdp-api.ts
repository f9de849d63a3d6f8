import { BursarError } from '@bursar/core'

/** What reaches a project at Coinbase CDP. Whoever has all of it can sign whatever they like. */
export interface CdpCredentials {
  readonly apiKeyId: string
  /** Base64 of an Ed25519 key, or an EC key in PEM. */
  readonly apiKeySecret: string
  /** Base64 of a P-256 key in PKCS#8. */
  readonly walletSecret: string
}

/** Settings of the API. */
export interface CdpApiOptions {
  /** Fetches the credentials for one request; nothing of them is kept. */
  readonly credentials: () => Promise<CdpCredentials>
  readonly baseUrl: string
}

/** One request. `body` is sent as JSON. */
export interface CdpRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>>
  /** The same key gives the same answer, within a day. */
  readonly idempotencyKey?: string
}

/** What the service answered: JSON, or nothing that is JSON. */
export interface CdpAnswer {
  readonly status: number
  readonly body: unknown
}

/** Nothing has left this process, so nothing was done. */
export class NothingSent extends Error {
  readonly code: 'wallet_unavailable' | 'credential_expired'

  constructor(code: 'wallet_unavailable' | 'credential_expired', reason: string) {
    super(reason)
    this.code = code
  }
}

/** A signer that does not answer within this time leaves the payment in doubt. */
const REQUEST_TIMEOUT_MS = 30_000

/** Answers that the wallet reads are a few hundred bytes. */
const MAX_ANSWER_BYTES = 65_536

/** Lifetime of the token of one request. */
const TOKEN_SECONDS = 60

/** Failures to connect: the request was never sent. */
const unconnected = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']

/**
 * Asks the service once. Its own client retries what it has sent, and keeps one configuration for the
 * whole process: neither is right here. Its authentication is the official one.
 *
 * Throws `NothingSent`, or, where the request may have arrived, whatever went wrong.
 */
export async function askCdp(options: CdpApiOptions, request: CdpRequest): Promise<CdpAnswer> {
  const url = new URL(`${options.baseUrl.replace(/\/$/, '')}${request.path}`)
  const headers = await authorized(options, request, url)
  const response = await fetch(url, {
    method: request.method,
    headers,
    redirect: 'error',
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  }).catch((error: unknown) => {
    throw unconnected.includes(codeOf(error)) ? neverConnected(url, codeOf(error)) : lost(error)
  })
  return { status: response.status, body: await jsonOf(response) }
}

async function authorized(
  { credentials }: CdpApiOptions,
  { method, body, idempotencyKey }: CdpRequest,
  url: URL,
): Promise<Record<string, string>> {
  // Before the credentials: without it nothing has to be opened for nothing.
  const { getAuthHeaders } = await import('@coinbase/cdp-sdk/auth').catch(() => {
    const text = 'install @coinbase/cdp-sdk, which could not be loaded'
    throw new NothingSent('wallet_unavailable', text)
  })
  const found = await credentials().catch((error: unknown) => {
    const code = BursarError.isInstance(error) ? `: ${error.code}` : ''
    throw new NothingSent('wallet_unavailable', `the credentials could not be fetched${code}`)
  })
  try {
    const headers = await getAuthHeaders({
      apiKeyId: found.apiKeyId,
      apiKeySecret: found.apiKeySecret,
      walletSecret: found.walletSecret,
      requestMethod: method,
      requestHost: url.host,
      requestPath: url.pathname,
      requestBody: body,
      expiresIn: TOKEN_SECONDS,
      source: 'bursar',
    })
    return idempotencyKey === undefined
      ? headers
      : { ...headers, 'X-Idempotency-Key': idempotencyKey }
  } catch {
    // What it throws may quote what it was given.
    throw new NothingSent('credential_expired', 'the credentials are none that can be used')
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > MAX_ANSWER_BYTES) return undefined
    parts.push(part)
  }
  try {
    return JSON.parse(new TextDecoder().decode(Buffer.concat(parts)))
  } catch {
    return undefined
  }
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? code : ''
}

function neverConnected(url: URL, code: string): NothingSent {
  return new NothingSent('wallet_unavailable', `${url.host} could not be reached: ${code}`)
}

function lost(cause: unknown): BursarError {
  const name = cause instanceof Error ? cause.name : typeof cause
  const text = `No answer came from the wallet's provider: ${codeOf(cause) || name}.`
  return new BursarError('wallet_answer_lost', text)
}
