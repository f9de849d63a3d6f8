import { z } from 'zod'
import type {
  HttpClient,
  HttpRequest,
  HttpRequestOptions,
  HttpResponse,
} from '../ports/http-client.ts'
import { BursarError } from '../primitives/errors.ts'
import { parseInput } from '../primitives/fields.ts'
import { parseResourceUrl } from '../primitives/resource-url.ts'
import { type ConnectionPool, connectionPool } from './connection-pool.ts'
import type { Lookup } from './pinned-address.ts'
import { requestHead } from './request-head.ts'

/** The default deadline, which leaves time for a slow paid response but frees a held budget soon. */
const DEFAULT_DEADLINE_MS = 30_000

/** The longest deadline: a response later than ten minutes is of no use to a caller. */
const MAX_DEADLINE_MS = 600_000

/** The default bound of a body: far more than a model can use of one response. */
const DEFAULT_MAX_BODY_BYTES = 1_048_576

/** The largest bound of a body. A request may hold twice as many bytes while its buffer grows. */
const LARGEST_MAX_BODY_BYTES = 67_108_864

/** The most development hosts: more than one developer serves. */
const MAX_DEVELOPMENT_HOSTS = 100

/** The options of `guardedHttp`. */
export interface GuardedHttpOptions {
  /**
   * The hosts that may use plain http and local addresses (loopback, private, unique local), each as
   * `host` (any port) or `host:port`; at most 100. `localhost` and `*.localhost` names always resolve
   * to 127.0.0.1. Throws `invalid_input` if set where `NODE_ENV` is `production`.
   *
   * @default { hosts: [] }
   */
  readonly development?: { readonly hosts: readonly string[] } | undefined
  /**
   * The deadline of a whole request in milliseconds, from name resolution to the last byte of the
   * body; at most 600,000.
   *
   * @default 30_000
   */
  readonly deadlineMs?: number | undefined
  /**
   * The most bytes of a decoded body; at most 67,108,864 (64 MiB).
   *
   * @default 1_048_576
   */
  readonly maxBodyBytes?: number | undefined
  /**
   * The resolver of host names. Its addresses pass the checks that system addresses pass.
   *
   * @default the resolver of the operating system
   */
  readonly lookup?: Lookup | undefined
}

const optionsInput = z.strictObject({
  development: z
    .strictObject({ hosts: z.array(z.string().transform(readHost)).max(MAX_DEVELOPMENT_HOSTS) })
    .default({ hosts: [] }),
  deadlineMs: z.int().min(1).max(MAX_DEADLINE_MS).default(DEFAULT_DEADLINE_MS),
  maxBodyBytes: z.int().min(1).max(LARGEST_MAX_BODY_BYTES).default(DEFAULT_MAX_BODY_BYTES),
  lookup: z.custom<Lookup>((value) => typeof value === 'function').optional(),
})

type Settings = z.output<typeof optionsInput>

/**
 * Returns an HTTP client that is safe for untrusted URLs: requests cannot reach a private network,
 * follow a redirect or outlast the deadline.
 *
 * The client accepts https URLs without user info, on port 80, 443 or from 1024 up. Every address of
 * the host must be public, and the client connects to the first one. Each payment has its own
 * connection, and so has each request outside a payment. The client ignores proxy variables and
 * keeps no cookies. Its libraries are loaded with the first request.
 *
 * Throws `invalid_input` for a bad option. `HttpClient` lists the errors of a request.
 *
 * @example
 * ```ts
 * import { guardedHttp, type HttpClient } from '@bursar/core'
 *
 * export const http: HttpClient = guardedHttp({ deadlineMs: 10_000, maxBodyBytes: 262_144 })
 * ```
 */
export function guardedHttp(options: GuardedHttpOptions = {}): HttpClient {
  const settings = parseInput(optionsInput, options, 'guardedHttp')
  refuseInProduction(options.development, 'guardedHttp')
  const underWay = new Set<Promise<HttpResponse>>()
  const kept = connectionPool()
  let closed = false
  return {
    async request(request, requestOptions) {
      if (closed) throw refused('The HTTP client is closed. Create a new one.')
      const work = send(request, requestOptions, settings, kept)
      underWay.add(work)
      try {
        return await work
      } finally {
        underWay.delete(work)
      }
    },
    async close() {
      closed = true
      await Promise.allSettled(underWay)
      kept.close()
    },
  }
}

/** The modules of the first request, kept because a repeated import costs as much as parsing a URL. */
let libraries:
  | Promise<[typeof import('./pinned-address.ts'), typeof import('./http-exchange.ts')]>
  | undefined

async function send(
  request: HttpRequest,
  { signal, isolation, payment }: HttpRequestOptions,
  { development, deadlineMs, maxBodyBytes, lookup }: Settings,
  kept: ConnectionPool,
): Promise<HttpResponse> {
  const url = parseResourceUrl(request.url.href)
  const { method, body } = request
  const head = requestHead(request)
  const listed = development.hosts.includes(url.hostname) || development.hosts.includes(place(url))
  if (url.protocol === 'http:' && !listed) {
    throw refused(
      `${url.host} was asked for over http. Use https, or list the host in development.hosts while developing.`,
    )
  }
  const controller = new AbortController()
  const expire = () => controller.abort(new Error(`the deadline of ${deadlineMs} ms passed`))
  const abort = () => controller.abort(signal?.reason)
  const timer = setTimeout(expire, deadlineMs)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    if (signal?.aborted) abort()
    controller.signal.throwIfAborted()
    libraries ??= Promise.all([import('./pinned-address.ts'), import('./http-exchange.ts')])
    const [{ pinnedAddress }, { exchangeHttp, openConnection }] = await libraries
    const address = await unlessAborted(
      pinnedAddress(url, { development: listed, lookup }),
      controller.signal,
    )
    const exchange = { url, method, head, body, maxBodyBytes }
    const before = payment && kept.take(payment, isolation, url.origin, address)
    const isFirst = payment !== undefined && !before
    const connection = before ?? openConnection(url, address, isFirst)
    let isLast = true
    try {
      const response = await exchangeHttp(connection, exchange, !isFirst, controller.signal)
      if (response.broken) signal?.throwIfAborted()
      // A cut or broken body leaves unread bytes, so the connection cannot carry another request.
      isLast = !isFirst || response.status !== 402 || response.truncated || response.broken
      return response
    } finally {
      if (payment && !isLast) kept.keep(payment, isolation, connection)
      else connection.close()
    }
  } catch (cause) {
    if (signal?.aborted) throw failed(url, 'aborted by the caller', signal.reason)
    const { aborted, reason } = controller.signal
    if (aborted) throw failed(url, reason.message, reason)
    throw BursarError.isInstance(cause) ? cause : failed(url, codeOf(cause), cause)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** Waits for the work until the signal aborts, because a name lookup cannot be cancelled. */
function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}

/** Normalizes an entry of `development.hosts` to the form of `url.hostname` or `place(url)`. */
function readHost(entry: string, context: z.RefinementCtx): string {
  const url = /^[^/?#]+$/.test(entry) && tryParse(`http://${entry}/`)
  if (url) return /:\d+$/.test(entry) ? place(url) : url.hostname
  context.addIssue({ code: 'custom', message: `must be a host such as 'shop.localhost:8402'` })
  return z.NEVER
}

function tryParse(text: string): URL | undefined {
  try {
    return parseResourceUrl(text)
  } catch {
    return undefined
  }
}

function place(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`
}

/** Returns the code of an error. The message is left out because a peer may have written it. */
function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'broken'
}

function failed(url: URL, how: string, cause: unknown): BursarError {
  return new BursarError('request_failed', `No usable response from ${url.host}: ${how}.`, {
    cause,
  })
}

function refused(message: string): BursarError {
  return new BursarError('request_refused', message)
}

/** Throws `invalid_input` if a `development` option is set where `NODE_ENV` is `production`. */
export function refuseInProduction(development: unknown, what: string): void {
  if (development === undefined || process.env.NODE_ENV !== 'production') return
  const message = `${what}: development: is refused where NODE_ENV is production.`
  throw new BursarError('invalid_input', message)
}
