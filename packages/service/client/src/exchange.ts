import { BursarError } from '@bursar/core/session'
import type { Endpoint } from './endpoint.ts'

/** A request to the service. */
export interface ServiceRequest {
  readonly method: 'GET' | 'POST' | 'PATCH'
  readonly path: string
  /** JSON. */
  readonly body?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Whether the service does it once however often it is sent. */
  readonly isRepeatable: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * What came of a request. `lost`: it may have been carried out, and nobody said so. `stopped`: the
 * caller's signal came before it could have been carried out.
 */
export type Exchange =
  | { readonly outcome: 'answered'; readonly body: unknown }
  | { readonly outcome: 'lost'; readonly cause: unknown }
  | { readonly outcome: 'stopped' }

/** One request is sent so often at most. */
const MAX_ATTEMPTS = 4

/** All attempts together: longer than a guard works on one payment. */
const DEADLINE_MS = 120_000

/** The first wait between two attempts; each one after it is twice as long, less a random part. */
const FIRST_WAIT_MS = 200

/** The longest wait that a service may ask for. */
const MAX_WAIT_MS = 5_000

/** The largest body that a guard can be told to fetch, in base64, and what stands around it. */
const MAX_ANSWER_BYTES = 96 * 1_024 * 1_024

/** Longest account of a problem that is kept. */
const MAX_DETAIL_LENGTH = 1_000

/** The service says so before it begins with a request: it can be sent again, whatever it is. */
const notBegun = new Set([
  'overloaded',
  'shutting_down',
  'identity_unavailable',
  'request_rate_exceeded',
])

/** They speak of what was sent, and every attempt sends the same: so none of them was carried out. */
const unfit = new Set(['body_too_large', 'invalid_input', 'malformed_body'])

/** One attempt: an answer, a failure that the service told, or no answer to believe. */
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
 * Sends a request, and sends it again where that cannot do it twice. Throws what the service says
 * that it has not done, by its code, and `service_answer_invalid` for what no service says.
 */
export async function exchange(endpoint: Endpoint, request: ServiceRequest): Promise<Exchange> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(new Error('No answer in time.')), DEADLINE_MS)
  const { signal } = request
  const stop = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal
  try {
    return await attempts(endpoint, request, stop)
  } finally {
    clearTimeout(timer)
  }
}

async function attempts(
  endpoint: Endpoint,
  request: ServiceRequest,
  stop: AbortSignal,
): Promise<Exchange> {
  let lost: Extract<Exchange, { outcome: 'lost' }> | undefined
  let problem: BursarError | undefined
  let waitMs = 0
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    if (attempt > 0) await pause(Math.max(waitMs, backoffMs(attempt)), stop)
    if (stop.aborted) break
    const result = await attemptOnce(endpoint, request, stop)
    if (result.kind === 'answer') return { outcome: 'answered', body: result.body }
    if (result.kind === 'lost') {
      lost = { outcome: 'lost', cause: result.cause }
      if (!request.isRepeatable) return lost
      continue
    }
    problem = result.error
    waitMs = result.waitMs
    if (!notBegun.has(problem.code) && !(request.isRepeatable && result.status >= 500)) {
      if (lost && request.method !== 'GET' && !unfit.has(problem.code)) return lost
      throw problem
    }
  }
  // What was lost once may have been carried out, whatever was said to the next attempt.
  if (lost) return lost
  if (problem && !stop.aborted) throw problem
  return { outcome: 'stopped' }
}

async function attemptOnce(
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
      // Keys go to the service that was named, and to nobody that it points to.
      redirect: 'manual',
      signal,
    })
    text = await boundedText(response)
  } catch (cause) {
    return { kind: 'lost', cause }
  }
  const answer = parsed(text)
  if (response.ok) {
    if (answer === undefined) throw invalidAnswer(response.status)
    return { kind: 'answer', body: answer }
  }
  const error = problemOf(answer)
  if (error) return { kind: 'problem', error, status: response.status, waitMs: waitMsOf(response) }
  // A proxy in between, which does not know what became of the request.
  const cause = invalidAnswer(response.status)
  if (response.status >= 500) return { kind: 'lost', cause }
  return { kind: 'problem', error: cause, status: response.status, waitMs: 0 }
}

/** What no service answers, for the operator. Nothing of it is repeated. */
export function invalidAnswer(status?: number): BursarError {
  const what = status === undefined ? 'in another shape' : `with HTTP status ${status}`
  const message = `The service answered ${what}, and not as its API says. Check the url.`
  return new BursarError('service_answer_invalid', message)
}

/** The body as text; `undefined` over the bound. Rejects where it breaks off. */
async function boundedText(response: Response): Promise<string | undefined> {
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

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The service's own account of why it has not done something; `undefined` if it is none. */
function problemOf(answer: unknown): BursarError | undefined {
  const { type, code, detail } = Object(answer) as Readonly<Record<string, unknown>>
  if (typeof code !== 'string' || !/^[a-z][a-z0-9_]{0,59}$/.test(code)) return undefined
  // A proxy in between may have codes, too.
  if (type !== `urn:bursar:problem:${code}`) return undefined
  const message = typeof detail === 'string' ? detail.slice(0, MAX_DETAIL_LENGTH) : ''
  return new BursarError(code, message || 'The service has not done it.')
}

function waitMsOf(response: Response): number {
  const seconds = Number(response.headers.get('retry-after'))
  return seconds > 0 ? Math.min(seconds * 1_000, MAX_WAIT_MS) : 0
}

function backoffMs(attempt: number): number {
  return FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)
}

/** Resolves after a while, or when the signal comes. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
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
