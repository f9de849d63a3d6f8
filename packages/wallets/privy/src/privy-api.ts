import { BursarError } from '@bursar/core'
import type { PrivyClient } from '@privy-io/node'

/** The credentials of an app at Privy, with one of its authorization keys. */
export interface PrivyCredentials {
  /** The app's id. */
  readonly appId: string
  /** The app's secret. */
  readonly appSecret: string
  /**
   * The authorization key of a wallet's owner or of an additional signer, as base64 of a P-256 key
   * in PKCS#8.
   */
  readonly authorizationKey: string
}

/** The access to Privy's API. */
export interface PrivyApiOptions {
  /** Fetches the credentials for one request. They are not kept. */
  readonly credentials: () => Promise<PrivyCredentials>
  readonly baseUrl: string
}

/** The means to make one request. */
export interface PrivyCall {
  readonly client: PrivyClient
  /**
   * Returns the fields that sign the request with the authorization key. The request expires after
   * 60 s.
   */
  authorize(): {
    readonly authorization_context: { readonly authorization_private_keys: string[] }
    readonly request_expiry: number
  }
}

/** A refusal by Privy itself, or the failure of a request that never left this process. */
export interface PrivyRefusal {
  readonly refused: 'wallet_unavailable' | 'credential_expired'
  readonly reason: string
  /** The HTTP status. Absent if Privy was never reached. */
  readonly status?: number
}

/** The longest wait for an answer. A payment whose signer does not answer in time is in doubt. */
const REQUEST_TIMEOUT_MS = 30_000

/** The longest that a request may be on its way. Privy refuses a later one. */
const REQUEST_LIFE_MS = 60_000

/**
 * The longest answer, as long as a policy with hundreds of rules. Other answers are a few hundred
 * bytes.
 */
const MAX_ANSWER_BYTES = 1_048_576

/** The error codes of a failed connection, over which no request was sent. */
const connectionFailures = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']

/**
 * The statuses by which Privy says that it did nothing. Any other status may follow a signature.
 */
const refusalStatuses = [400, 401, 403, 404, 422, 429]

/** The most nested causes to search: more than fetch and the client wrap around an error. */
const MAX_CAUSES = 4

/**
 * Sends a request once, with Privy's official client. The client is made for this request alone, so
 * that it never uses a rotated credential. It does not retry: the answer to a retry would prove
 * nothing about the first request.
 *
 * Returns a refusal if it is certain that nothing was done. Throws `wallet_answer_lost` if the
 * request may have arrived and no answer came.
 */
export async function sendPrivyRequest<Result>(
  options: PrivyApiOptions,
  send: (call: PrivyCall) => Promise<Result>,
): Promise<{ readonly result: Result } | PrivyRefusal> {
  // The package is loaded before the credentials, which a vault need not open if it is missing.
  const sdk = await import('@privy-io/node').catch(() => undefined)
  if (!sdk) {
    const reason = '@privy-io/node could not be loaded. Install it'
    return { refused: 'wallet_unavailable', reason }
  }
  const opened = await options.credentials().catch((error: unknown) => {
    const code = BursarError.isInstance(error) ? `: ${error.code}` : ''
    return { unavailable: `the credentials could not be fetched${code}` }
  })
  if (opened && 'unavailable' in opened) {
    return { refused: 'wallet_unavailable', reason: opened.unavailable }
  }
  const transmission: Transmission = { sent: false }
  try {
    const { authorizationKey } = opened
    const authorization_context = { authorization_private_keys: [authorizationKey] }
    const client = createPrivyClient(sdk, opened, options.baseUrl, transmission)
    const authorize = () => ({
      authorization_context,
      request_expiry: Date.now() + REQUEST_LIFE_MS,
    })
    return { result: await send({ client, authorize }) }
  } catch (error) {
    // The thrown error may quote the credentials. Only its status and code are repeated.
    return readPrivyRefusal(error, transmission)
  }
}

/**
 * Sends a request once for the function `source` and returns its result. Throws a refusal in the
 * name of `source`, and `wallet_answer_lost` as `sendPrivyRequest` does.
 */
export async function callPrivy<Result>(
  source: string,
  options: PrivyApiOptions,
  send: (call: PrivyCall) => Promise<Result>,
): Promise<Result> {
  const answer = await sendPrivyRequest(options, send)
  if ('result' in answer) return answer.result
  throw privyRefusalError(source, answer)
}

/** Makes the error for a refusal, in the name of the function `source`. */
export function privyRefusalError(source: string, { refused, reason }: PrivyRefusal): BursarError {
  return new BursarError(refused, `${source}: ${reason}.`)
}

/** The state of a request, which the client's errors do not tell. */
interface Transmission {
  /** True once the client has begun to send. */
  sent: boolean
}

function createPrivyClient(
  sdk: typeof import('@privy-io/node'),
  { appId, appSecret }: PrivyCredentials,
  baseUrl: string,
  transmission: Transmission,
): PrivyClient {
  return new sdk.PrivyClient({
    appId,
    appSecret,
    apiUrl: baseUrl,
    maxRetries: 0,
    timeout: REQUEST_TIMEOUT_MS,
    logLevel: 'off',
    fetch: async (url, init) => {
      transmission.sent = true
      const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
      const signal = init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout
      return readBoundedPrivyText(await fetch(url, { ...init, signal, redirect: 'error' }))
    },
  })
}

/** Reads a response to its end. Throws if it is longer than an answer may be. */
async function readBoundedPrivyText(response: Response): Promise<Response> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`The answer is over ${MAX_ANSWER_BYTES} bytes.`)
    parts.push(part)
  }
  const { status, statusText, headers } = response
  return new Response(Buffer.concat(parts), { status, statusText, headers })
}

/**
 * Reads Privy's refusal from a thrown error. Throws `wallet_answer_lost` if the request may have
 * arrived.
 */
function readPrivyRefusal(error: unknown, { sent }: Transmission): PrivyRefusal {
  if (!sent) {
    return { refused: 'credential_expired', reason: 'the credentials are malformed' }
  }
  const connection = readPrivyCauseCode(error)
  if (connectionFailures.includes(connection)) {
    const reason = `Privy could not be reached: ${connection}`
    return { refused: 'wallet_unavailable', reason }
  }
  const { status, body } = readPrivyAnswer(error)
  if (status === undefined || !refusalStatuses.includes(status) || !body) {
    const name = error instanceof Error ? error.constructor.name : typeof error
    const found = status ?? (connection || name)
    const text = `No answer that tells the outcome came from the wallet's provider: ${found}.`
    throw new BursarError('wallet_answer_lost', text)
  }
  const refused = status === 401 ? 'credential_expired' : 'wallet_unavailable'
  return { refused, status, reason: `Privy answered ${status}: ${readPrivyErrorCode(body)}` }
}

/**
 * Reads Privy's own error, which is JSON with a text. Returns no body for an answer of a gateway in
 * between.
 */
function readPrivyAnswer(error: unknown): {
  readonly status?: number
  readonly body?: Readonly<Record<string, unknown>>
} {
  if (typeof error !== 'object' || error === null || !('status' in error)) return {}
  const { status } = error
  if (typeof status !== 'number') return {}
  const body: unknown = 'error' in error ? error.error : undefined
  if (typeof body !== 'object' || body === null || !('error' in body)) return { status }
  return { status, body: body as Readonly<Record<string, unknown>> }
}

/** Returns the code of Privy's error. The error's text is the provider's and left out. */
function readPrivyErrorCode({ code }: Readonly<Record<string, unknown>>): string {
  return typeof code === 'string' && /^[a-z_]{1,80}$/.test(code) ? code : 'without a known code'
}

/** Returns the code of the error or of one of its causes. Returns an empty text if none has one. */
function readPrivyCauseCode(error: unknown): string {
  let cause: unknown = error
  for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth += 1) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code
    cause = cause.cause
  }
  return ''
}
