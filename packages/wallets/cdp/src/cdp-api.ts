import { BursarError } from '@bursar/core'

/**
 * The credentials of a project at Coinbase CDP. Together they can sign anything with its accounts.
 */
export interface CdpCredentials {
  /** The id of the project's API key. */
  readonly apiKeyId: string
  /** The API key: base64 of an Ed25519 key, or an EC key in PEM. */
  readonly apiKeySecret: string
  /** The wallet secret: base64 of a P-256 key in PKCS#8. */
  readonly walletSecret: string
}

/** The access to CDP's API. */
export interface CdpApiOptions {
  /** Fetches the credentials for one request. They are not kept. */
  readonly credentials: () => Promise<CdpCredentials>
  readonly baseUrl: string
}

/** A request to CDP. Its `body` is sent as JSON. */
export interface CdpRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>>
  /** A request with a known key gets the first request's answer, within a day. */
  readonly idempotencyKey?: string
}

/** An answer of CDP. Its `body` is undefined if it was not JSON, or was too long. */
export interface CdpAnswer {
  readonly status: number
  readonly body: unknown
}

/** The error of a request that never left this process. */
export class UnsentRequest extends Error {
  readonly code: 'wallet_unavailable' | 'credential_expired'

  constructor(code: 'wallet_unavailable' | 'credential_expired', reason: string) {
    super(reason)
    this.code = code
  }
}

/** The longest wait for an answer. A payment whose signer does not answer in time is in doubt. */
const REQUEST_TIMEOUT_MS = 30_000

/** The longest answer. CDP's answers are a few hundred bytes. */
const MAX_ANSWER_BYTES = 65_536

/** The lifetime of a request's authentication token. */
const TOKEN_SECONDS = 60

/** The error codes of a failed connection, over which no request was sent. */
const connectionFailures = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']

/**
 * Sends a request once, with CDP's official authentication. CDP's own client is not used, because
 * it retries requests and has one configuration for the whole process.
 *
 * Throws `UnsentRequest` if the request never left this process. Throws `wallet_answer_lost` if the
 * request may have arrived and no answer came.
 */
export async function sendCdpRequest(
  options: CdpApiOptions,
  request: CdpRequest,
): Promise<CdpAnswer> {
  const url = new URL(`${options.baseUrl.replace(/\/$/, '')}${request.path}`)
  const headers = await makeCdpHeaders(options, request, url)
  const response = await fetch(url, {
    method: request.method,
    headers,
    redirect: 'error',
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  }).catch((error: unknown) => {
    throw connectionFailures.includes(readCdpCauseCode(error))
      ? cdpUnreachableError(url, readCdpCauseCode(error))
      : cdpAnswerLostError(error)
  })
  return { status: response.status, body: await readCdpJson(response) }
}

/**
 * Sends a request once for the function `source`. Throws `wallet_unavailable` or
 * `credential_expired` in its name if the request never left this process, and otherwise as
 * `sendCdpRequest` does.
 */
export async function callCdp(
  source: string,
  options: CdpApiOptions,
  request: CdpRequest,
): Promise<CdpAnswer> {
  try {
    return await sendCdpRequest(options, request)
  } catch (error) {
    if (!(error instanceof UnsentRequest)) throw error
    throw new BursarError(error.code, `${source}: ${error.message}.`)
  }
}

async function makeCdpHeaders(
  { credentials }: CdpApiOptions,
  { method, body, idempotencyKey }: CdpRequest,
  url: URL,
): Promise<Record<string, string>> {
  // The package is loaded first: if the package is missing, the vault need not open the credentials.
  const { getAuthHeaders } = await import('@coinbase/cdp-sdk/auth').catch(() => {
    const reason = '@coinbase/cdp-sdk could not be loaded. Install it'
    throw new UnsentRequest('wallet_unavailable', reason)
  })
  const opened = await credentials().catch((error: unknown) => {
    const code = BursarError.isInstance(error) ? `: ${error.code}` : ''
    throw new UnsentRequest('wallet_unavailable', `the credentials could not be fetched${code}`)
  })
  try {
    const headers = await getAuthHeaders({
      apiKeyId: opened.apiKeyId,
      apiKeySecret: opened.apiKeySecret,
      walletSecret: opened.walletSecret,
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
    // The thrown error may quote the credentials.
    throw new UnsentRequest('credential_expired', 'the credentials are malformed')
  }
}

/** Reads the body of a response as JSON. Returns undefined if it is not JSON, or too long. */
async function readCdpJson(response: Response): Promise<unknown> {
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

function readCdpCauseCode(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? code : ''
}

function cdpUnreachableError(url: URL, code: string): UnsentRequest {
  return new UnsentRequest('wallet_unavailable', `${url.host} could not be reached: ${code}`)
}

function cdpAnswerLostError(cause: unknown): BursarError {
  const name = cause instanceof Error ? cause.name : typeof cause
  const text = `No answer came from the wallet's provider: ${readCdpCauseCode(cause) || name}.`
  return new BursarError('wallet_answer_lost', text)
}
