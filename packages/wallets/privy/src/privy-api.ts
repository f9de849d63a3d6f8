import { BursarError } from '@bursar/core'
import type { PrivyClient } from '@privy-io/node'

/** What reaches an app at Privy, and one of its authorization keys. */
export interface PrivyCredentials {
  readonly appId: string
  readonly appSecret: string
  /** Base64 of a P-256 key in PKCS#8: of a wallet's owner, or of one of its additional signers. */
  readonly authorizationKey: string
}

/** Settings of the API. */
export interface PrivyApiOptions {
  /** Fetches the credentials for one request; nothing of them is kept. */
  readonly credentials: () => Promise<PrivyCredentials>
  readonly baseUrl: string
}

/** What one request is made with. */
export interface PrivyCall {
  readonly client: PrivyClient
  /** Signs the request as its authorization key, for the few seconds that it may take. */
  authorized(): {
    readonly authorization_context: { readonly authorization_private_keys: string[] }
    readonly request_expiry: number
  }
}

/** The service's own word that it did nothing, or that nothing has left this process. */
export interface PrivyRefusal {
  readonly refused: 'wallet_unavailable' | 'credential_expired'
  readonly reason: string
  /** Absent where the service was never reached. */
  readonly status?: number
}

/** A signer that does not answer within this time leaves the payment in doubt. */
const REQUEST_TIMEOUT_MS = 30_000

/** How long a request may be on its way: the service refuses one that comes later. */
const REQUEST_LIFE_MS = 60_000

/** Answers are a few hundred bytes; a policy with hundreds of rules is the largest. */
const MAX_ANSWER_BYTES = 1_048_576

/** Failures to connect: the request was never sent. */
const unconnected = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']

/** Statuses by which the service says that it did nothing. Any other may come after a signature. */
const refusals = [400, 401, 403, 404, 422, 429]

/** Deeper than any error that fetch and the client wrap into each other. */
const MAX_CAUSES = 4

/**
 * Asks the service once, with the official client, which is made for this request and forgotten: so it
 * never signs with what has been rotated away. It is kept from asking again, for then its last answer
 * would say nothing about the first.
 *
 * Returns a refusal where it is certain that nothing was done. Where the request may have arrived, it
 * throws `wallet_answer_lost`.
 */
export async function askPrivy<Result>(
  options: PrivyApiOptions,
  ask: (call: PrivyCall) => Promise<Result>,
): Promise<{ readonly result: Result } | PrivyRefusal> {
  // Before the credentials: without it nothing has to be opened for nothing.
  const sdk = await import('@privy-io/node').catch(() => undefined)
  if (!sdk) {
    const reason = 'install @privy-io/node, which could not be loaded'
    return { refused: 'wallet_unavailable', reason }
  }
  const found = await options.credentials().catch((error: unknown) => {
    const code = BursarError.isInstance(error) ? `: ${error.code}` : ''
    return { unavailable: `the credentials could not be fetched${code}` }
  })
  if (found && 'unavailable' in found) {
    return { refused: 'wallet_unavailable', reason: found.unavailable }
  }
  const line: Line = { sent: false }
  try {
    const { authorizationKey } = found
    const authorization_context = { authorization_private_keys: [authorizationKey] }
    const client = clientOf(sdk, found, options.baseUrl, line)
    const authorized = () => ({
      authorization_context,
      request_expiry: Date.now() + REQUEST_LIFE_MS,
    })
    return { result: await ask({ client, authorized }) }
  } catch (error) {
    // What was thrown may quote what it was given: only statuses and codes are repeated.
    return refusalOf(error, line)
  }
}

/** What is known of the request besides what the client throws. */
interface Line {
  sent: boolean
}

function clientOf(
  sdk: typeof import('@privy-io/node'),
  { appId, appSecret }: PrivyCredentials,
  baseUrl: string,
  line: Line,
): PrivyClient {
  return new sdk.PrivyClient({
    appId,
    appSecret,
    apiUrl: baseUrl,
    maxRetries: 0,
    timeout: REQUEST_TIMEOUT_MS,
    logLevel: 'off',
    fetch: async (url, init) => {
      line.sent = true
      const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
      const signal = init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout
      return bounded(await fetch(url, { ...init, signal, redirect: 'error' }))
    },
  })
}

/** The same response, read up to a bound. */
async function bounded(response: Response): Promise<Response> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > MAX_ANSWER_BYTES) throw new Error('The answer is too large.')
    parts.push(part)
  }
  const { status, statusText, headers } = response
  return new Response(Buffer.concat(parts), { status, statusText, headers })
}

function refusalOf(error: unknown, { sent }: Line): PrivyRefusal {
  if (!sent) {
    return { refused: 'credential_expired', reason: 'the credentials are none that can be used' }
  }
  const connection = connectionCodeOf(error)
  if (unconnected.includes(connection)) {
    const reason = `Privy could not be reached: ${connection}`
    return { refused: 'wallet_unavailable', reason }
  }
  const { status, body } = answerOf(error)
  if (status === undefined || !refusals.includes(status) || !body) {
    const what = status ?? (connection || nameOf(error))
    const text = `No answer that says what was done came from the wallet's provider: ${what}.`
    throw new BursarError('wallet_answer_lost', text)
  }
  const refused = status === 401 ? 'credential_expired' : 'wallet_unavailable'
  return { refused, status, reason: `Privy answered ${status}: ${codeIn(body)}` }
}

/** The service's own errors are JSON with a text; what a gateway in between answers is not its word. */
function answerOf(error: unknown): {
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

/** Only the code is repeated: its text is the provider's. */
function codeIn({ code }: Readonly<Record<string, unknown>>): string {
  return typeof code === 'string' && /^[a-z_]{1,80}$/.test(code) ? code : 'without a known code'
}

function connectionCodeOf(error: unknown): string {
  let cause: unknown = error
  for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth += 1) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code
    cause = cause.cause
  }
  return ''
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : typeof error
}
