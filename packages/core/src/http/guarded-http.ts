import { z } from 'zod'
import type {
  HttpClient,
  HttpRequest,
  HttpRequestOptions,
  HttpResponse,
} from '../ports/http-client.ts'
import { BursarError } from '../primitives/errors.ts'
import { parseInputFields } from '../primitives/fields.ts'
import { parseResourceUrl } from '../primitives/resource-url.ts'
import { type ConnectionPool, createConnectionPool } from './connection-pool.ts'
import type { ExchangeRequest } from './http-exchange.ts'
import type { Lookup } from './pinned-address.ts'
import { createFailure, createRequestFailure } from './request-failure.ts'
import { buildRequestHead } from './request-head.ts'

/** The default deadline: enough for a slow answer, and short for a budget that is held meanwhile. */
const DEFAULT_DEADLINE_MS = 30_000

/** The longest deadline. */
export const MAX_DEADLINE_MS = 600_000

/** The most bytes of a decoded body. A model can use far less. */
const MAX_BODY_BYTES = 1_048_576

/** The most hosts that are listed for development. */
const MAX_DEVELOPMENT_HOSTS = 100

/** The options of `guardedHttp`. */
export interface GuardedHttpOptions {
  /**
   * Hosts, written as `host` for any port or as `host:port`, that may use http and have a local address:
   * loopback, private or unique local. `localhost` and names that end in `.localhost` are 127.0.0.1. At most
   * 100 hosts. Refused if NODE_ENV is `production`.
   */
  readonly development?: { readonly hosts: readonly string[] } | undefined
  /**
   * The deadline of a whole request in milliseconds, from resolving the host to the last byte of the body. At
   * most 600,000.
   *
   * @default 30000
   */
  readonly deadlineMs?: number | undefined
}

/** Parses the hosts that are listed for development, into the forms of `url.hostname` or `guardedHostWithPort(url)`. */
export const developmentInput: z.ZodType<{ readonly hosts: string[] }> = z.strictObject({
  hosts: z.array(z.string().transform(parseGuardedDevelopmentHost)).max(MAX_DEVELOPMENT_HOSTS),
})

/** Parses a deadline in milliseconds. */
export const deadlineField: z.ZodType<number, number> = z.int().min(1).max(MAX_DEADLINE_MS)

const optionsInput = z.strictObject({
  development: developmentInput.default({ hosts: [] }),
  deadlineMs: deadlineField.default(DEFAULT_DEADLINE_MS),
})

/** The parts of a client that tests replace. */
export interface ClientSeams {
  /** Replaces the resolver of the system. */
  readonly lookup?: Lookup | undefined
  /** The most bytes of a decoded body. */
  readonly maxBodyBytes: number
}

type Settings = z.output<typeof optionsInput> & ClientSeams

/**
 * Makes the HTTP client for URLs from models and merchants. No URL makes it reach a private network, follow a
 * redirect, or work without end.
 *
 * It requires https, no user info, and a port of 80, 443 or at least 1024. Every address of the host must be
 * public, and the first one is dialled. Each payment has a connection of its own, and so has each request
 * outside a payment. It uses no proxy of the environment and no cookies, and cuts bodies at 1 MiB. Throws
 * `invalid_input` for invalid options. `HttpClient` lists the errors of a request.
 *
 * @example
 * ```ts
 * const http = guardedHttp({ deadlineMs: 10_000 })
 * const url = new URL('https://api.example.com/quote')
 * const { status } = await http.request({ method: 'GET', url, headers: {} }, { isolation: 'alice' })
 * ```
 */
export function guardedHttp(options: GuardedHttpOptions = {}): HttpClient {
  return createGuardedHttp(options, { maxBodyBytes: MAX_BODY_BYTES })
}

/** Makes the client of `guardedHttp` with some of its parts replaced. */
export function createGuardedHttp(options: GuardedHttpOptions, seams: ClientSeams): HttpClient {
  const settings = { ...parseInputFields(optionsInput, options, 'guardedHttp'), ...seams }
  assertNoDevelopmentHosts(options.development, 'guardedHttp')
  const inFlight = new Set<Promise<HttpResponse>>()
  const pool = createConnectionPool()
  let closed = false
  return {
    async request(request, requestOptions) {
      if (closed) {
        throw new BursarError('request_refused', 'The HTTP client is closed. Create a new one.')
      }
      const exchange = sendGuardedRequest(request, requestOptions, settings, pool)
      inFlight.add(exchange)
      try {
        return await exchange
      } finally {
        inFlight.delete(exchange)
      }
    },
    async close() {
      closed = true
      await Promise.allSettled(inFlight)
      pool.close()
    },
  }
}

/** The modules that a client needs at its first request. They are loaded once. */
let libraries:
  | Promise<[typeof import('./pinned-address.ts'), typeof import('./http-exchange.ts')]>
  | undefined

async function sendGuardedRequest(
  request: HttpRequest,
  options: HttpRequestOptions,
  settings: Settings,
  pool: ConnectionPool,
): Promise<HttpResponse> {
  const url = parseResourceUrl(request.url.href)
  const head = buildRequestHead(request)
  const isListed = assertGuardedScheme(url, settings)
  const { signal, minDeadlineMs = 0 } = options
  const deadlineMs = Math.min(Math.max(settings.deadlineMs, minDeadlineMs), MAX_DEADLINE_MS)
  const controller = new AbortController()
  const expire = () =>
    controller.abort(createFailure('timeout', `the deadline of ${deadlineMs} ms passed`))
  const abort = () => controller.abort(signal?.reason)
  const timer = setTimeout(expire, deadlineMs)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    if (signal?.aborted) abort()
    controller.signal.throwIfAborted()
    libraries ??= Promise.all([import('./pinned-address.ts'), import('./http-exchange.ts')])
    const [{ pinAddress }, library] = await libraries
    const { lookup, maxBodyBytes } = settings
    const address = await unlessAborted(
      pinAddress(url, { development: isListed, lookup }),
      controller.signal,
    )
    const { method, body } = request
    const exchange = { url, method, head, body, maxBodyBytes }
    return await exchangeGuarded(library, exchange, address, options, pool, controller.signal)
  } catch (cause) {
    if (signal?.aborted) {
      const aborted = createFailure('aborted', 'aborted by the caller', signal.reason)
      throw createRequestFailure(url, aborted)
    }
    if (controller.signal.aborted) throw createRequestFailure(url, controller.signal.reason)
    const isRefusal = BursarError.isInstance(cause) && cause.code === 'request_refused'
    throw isRefusal ? cause : createRequestFailure(url, cause)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** Returns whether the URL's host is listed for development. Throws `request_refused` for other http URLs. */
function assertGuardedScheme(url: URL, { development }: Settings): boolean {
  const { hosts } = development
  const isListed = hosts.includes(url.hostname) || hosts.includes(guardedHostWithPort(url))
  if (url.protocol === 'https:' || isListed) return isListed
  const message = `${url.host} was asked for over http. Use https, or list the host in development.hosts while developing.`
  const cause = new BursarError('https_required', 'The URL has to use https.')
  throw new BursarError('request_refused', message, { cause })
}

/** Exchanges over the payment's kept connection, or a new one. Keeps the connection of a first 402. */
async function exchangeGuarded(
  { exchangeHttp, openHttpConnection }: typeof import('./http-exchange.ts'),
  exchange: ExchangeRequest,
  address: string,
  { isolation, payment, signal }: HttpRequestOptions,
  pool: ConnectionPool,
  ending: AbortSignal,
): Promise<HttpResponse> {
  const kept = payment && pool.take(payment, isolation, exchange.url.origin, address)
  const isFirst = payment !== undefined && !kept
  const connection = kept ?? openHttpConnection(exchange.url, address, isFirst)
  let isLast = true
  try {
    const response = await exchangeHttp(connection, exchange, !isFirst, ending)
    if (response.broken) signal?.throwIfAborted()
    // A body that was cut or broke left some of its bytes on the connection.
    isLast = !isFirst || response.status !== 402 || response.truncated || response.broken
    return response
  } finally {
    if (payment && !isLast) pool.keep(payment, isolation, connection)
    else connection.close()
  }
}

/** Waits for work until the signal is aborted, and then throws its reason. The work itself goes on. */
function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}

function parseGuardedDevelopmentHost(entry: string, context: z.RefinementCtx): string {
  const url = /^[^/?#]+$/.test(entry) && parseUrlOfGuardedHost(`http://${entry}/`)
  if (url) return /:\d+$/.test(entry) ? guardedHostWithPort(url) : url.hostname
  context.addIssue({ code: 'custom', message: `must be a host such as 'shop.localhost:8402'` })
  return z.NEVER
}

function parseUrlOfGuardedHost(text: string): URL | undefined {
  try {
    return parseResourceUrl(text)
  } catch {
    return undefined
  }
}

function guardedHostWithPort(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`
}

/** Throws `invalid_input`, naming `source`, if hosts are listed for development in production. */
export function assertNoDevelopmentHosts(development: unknown, source: string): void {
  if (development === undefined || process.env.NODE_ENV !== 'production') return
  const message = `${source}: development: is refused where NODE_ENV is production.`
  throw new BursarError('invalid_input', message)
}
