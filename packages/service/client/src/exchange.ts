import { BursarError } from '@bursar/core/session'
import type { Endpoint } from './endpoint.ts'

/** A request to the service. */
export interface ServiceRequest {
  readonly method: 'GET' | 'POST' | 'PATCH'
  readonly path: string
  /** The body as JSON text. */
  readonly body?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** The service carries out repeated copies of the request only once. */
  readonly isRepeatable: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * The outcome of a request. `lost`: the request may have been carried out, but no answer came.
 * `stopped`: the caller's signal came before the request could be carried out.
 */
export type Exchange =
  | { readonly outcome: 'answered'; readonly body: unknown }
  | { readonly outcome: 'lost'; readonly cause: unknown }
  | { readonly outcome: 'stopped' }

/** The most attempts of one request. */
const MAX_ATTEMPTS = 4

/** The deadline of all attempts together: longer than a guard works on one payment, by its defaults. */
const DEADLINE_MS = 180_000

/** The first wait between two attempts. Each later wait is twice as long, less a random part. */
const FIRST_WAIT_MS = 200

/** The longest wait that the service may ask for by `retry-after`. */
const MAX_WAIT_MS = 5_000

/**
 * The longest answer: the largest content that a guard can be set to fetch, in base64, and its
 * envelope.
 */
const MAX_ANSWER_BYTES = 96 * 1_024 * 1_024

/** The most characters of a problem's detail that are kept. */
const MAX_DETAIL_LENGTH = 1_000

/** The codes of requests that the service did not begin. Any such request can be sent again. */
const unbegunCodes = new Set([
  'overloaded',
  'shutting_down',
  'identity_unavailable',
  'request_rate_exceeded',
])

/**
 * The codes of unusable requests. All attempts are alike, so the service carried out none of them.
 */
const unusableCodes = new Set(['body_too_large', 'invalid_input', 'malformed_body'])

/**
 * The outcome of one attempt: an answer, a problem that the service reports, or no trustworthy
 * answer.
 */
type Attempt =
  | { readonly kind: 'answer'; readonly body: unknown }
  | {
      readonly kind: 'problem'
      readonly error: BursarError
      readonly status: number
      readonly waitMs: number
    }
  | { readonly kind: 'lost'; readonly cause: unknown }

/**
 * Sends a request, and sends it again if that cannot carry it out twice. Throws the service's own
 * error, by its code, if the service did not carry the request out. Throws `service_answer_invalid`
 * if the answer is not the service's.
 */
export async function exchange(endpoint: Endpoint, request: ServiceRequest): Promise<Exchange> {
  const deadline = new AbortController()
  const timer = setTimeout(
    () => deadline.abort(new Error(`No answer came within ${DEADLINE_MS / 1_000} s.`)),
    DEADLINE_MS,
  )
  const { signal } = request
  const stop = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal
  try {
    return await exchangeWithRetries(endpoint, request, stop)
  } finally {
    clearTimeout(timer)
  }
}

async function exchangeWithRetries(
  endpoint: Endpoint,
  request: ServiceRequest,
  stop: AbortSignal,
): Promise<Exchange> {
  let lost: Extract<Exchange, { outcome: 'lost' }> | undefined
  let problem: BursarError | undefined
  let waitMs = 0
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    if (attempt > 0) await pauseExchange(Math.max(waitMs, computeExchangeBackoffMs(attempt)), stop)
    if (stop.aborted) break
    const result = await exchangeOnce(endpoint, request, stop)
    if (result.kind === 'answer') return { outcome: 'answered', body: result.body }
    if (result.kind === 'lost') {
      lost = { outcome: 'lost', cause: result.cause }
      if (!request.isRepeatable) return lost
      continue
    }
    problem = result.error
    waitMs = result.waitMs
    if (!unbegunCodes.has(problem.code) && !(request.isRepeatable && result.status >= 500)) {
      if (lost && request.method !== 'GET' && !unusableCodes.has(problem.code)) return lost
      throw problem
    }
  }
  // A lost attempt may have been carried out, even if the service refused a later one.
  if (lost) return lost
  if (problem && !stop.aborted) throw problem
  return { outcome: 'stopped' }
}

async function exchangeOnce(
  endpoint: Endpoint,
  { method, path, body, headers }: ServiceRequest,
  signal: AbortSignal,
): Promise<Attempt> {
  let response: Response
  let text: string | undefined
  try {
    response = await fetch(endpoint.base + path, {
      method,
      headers: {
        ...endpoint.headers,
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
      // A redirect would send the caller's keys elsewhere.
      redirect: 'manual',
      signal,
    })
    text = await readExchangedText(response)
  } catch (cause) {
    return { kind: 'lost', cause }
  }
  const answer = parseExchangedJson(text)
  if (response.ok) {
    if (answer === undefined) throw exchangeInvalidError(response.status)
    return { kind: 'answer', body: answer }
  }
  const error = readExchangedProblem(answer)
  if (error)
    return { kind: 'problem', error, status: response.status, waitMs: readExchangeWaitMs(response) }
  // A proxy in between answered. It does not know the outcome of the request.
  const cause = exchangeInvalidError(response.status)
  if (response.status >= 500) return { kind: 'lost', cause }
  return { kind: 'problem', error: cause, status: response.status, waitMs: 0 }
}

/** Makes the error for an answer that is not the service's. It repeats nothing of the answer. */
export function exchangeInvalidError(status?: number): BursarError {
  const fault = status === undefined ? 'has another shape' : `has HTTP status ${status}`
  const message = `The answer ${fault} and is not the service's. Check the url.`
  return new BursarError('service_answer_invalid', message)
}

/**
 * Reads the body as text. Returns undefined if it is too long. Rejects if the connection breaks
 * off.
 */
async function readExchangedText(response: Response): Promise<string | undefined> {
  const reader = response.body?.getReader()
  if (!reader) return ''
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    size += value.byteLength
    if (size > MAX_ANSWER_BYTES) {
      await reader.cancel()
      return undefined
    }
    text += decoder.decode(value, { stream: true })
  }
}

function parseExchangedJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Reads the service's own problem document. Returns undefined if the answer is none. */
function readExchangedProblem(answer: unknown): BursarError | undefined {
  const { type, code, detail } = Object(answer) as Readonly<Record<string, unknown>>
  if (typeof code !== 'string' || !/^[a-z][a-z0-9_]{0,59}$/.test(code)) return undefined
  // A proxy in between may have codes of its own.
  if (type !== `urn:bursar:problem:${code}`) return undefined
  const message = typeof detail === 'string' ? detail.slice(0, MAX_DETAIL_LENGTH) : ''
  return new BursarError(code, message || 'The service refused the request.')
}

function readExchangeWaitMs(response: Response): number {
  const seconds = Number(response.headers.get('retry-after'))
  return seconds > 0 ? Math.min(seconds * 1_000, MAX_WAIT_MS) : 0
}

function computeExchangeBackoffMs(attempt: number): number {
  return FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)
}

/** Resolves after `ms` milliseconds, or as soon as the signal is aborted. */
function pauseExchange(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
