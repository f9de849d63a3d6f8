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
import { type KeptConnections, keptConnections } from './connection-pool.ts'
import type { Lookup } from './pinned-address.ts'
import { requestHead } from './request-head.ts'

/** Long enough for a slow paid answer, short enough that a held budget is not a hostage. */
const DEFAULT_DEADLINE_MS = 30_000

/** A caller that waits longer than ten minutes for one answer has lost it. */
const MAX_DEADLINE_MS = 600_000

/** What a model can use of one answer is far less. */
const DEFAULT_MAX_BODY_BYTES = 1_048_576

/** Each request may hold it twice over while its buffer grows. */
const LARGEST_MAX_BODY_BYTES = 67_108_864

/** More hosts than one developer serves. */
const MAX_DEVELOPMENT_HOSTS = 100

/** How the guarded client is set up. */
export interface GuardedHttpOptions {
  /**
   * Hosts, exactly as `host` (any port) or `host:port`, that may be plain http and may be local:
   * loopback, private and unique local addresses. `localhost` and `*.localhost` names among them
   * are 127.0.0.1 without a resolver. Never list one in production.
   */
  readonly development?: { readonly hosts: readonly string[] } | undefined
  /**
   * For the whole request, from resolving to the body's last byte. Default 30,000; at most 600,000.
   */
  readonly deadlineMs?: number | undefined
  /** After decoding. Default 1 MiB; at most 64 MiB. */
  readonly maxBodyBytes?: number | undefined
  /** Replaces the system's resolver. Its answers are checked like any other's. */
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
 * The HTTP client for URLs that strangers name: nothing that it can be told reaches a private
 * network, follows a redirect, or goes on for ever.
 *
 * https only, no user info, no port below 1024 but 80 and 443; every address that the host resolves
 * to must be public, and the first is the one that is dialled; a connection of its own for every
 * payment, and for every request that is of none; no proxy from the environment, no cookies. Its
 * libraries are loaded at the first request. Throws `invalid_input` for options that cannot be; for requests see `HttpClient`.
 */
export function guardedHttp(options: GuardedHttpOptions = {}): HttpClient {
  const settings = parseInput(optionsInput, options, 'guardedHttp')
  refuseInProduction(options.development, 'guardedHttp')
  const underWay = new Set<Promise<HttpResponse>>()
  const kept = keptConnections()
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

/** Loaded once: asking the loader again costs as much as the parsing of a URL. */
let libraries:
  | Promise<[typeof import('./pinned-address.ts'), typeof import('./http-exchange.ts')]>
  | undefined

async function send(
  request: HttpRequest,
  { signal, isolation, payment }: HttpRequestOptions,
  { development, deadlineMs, maxBodyBytes, lookup }: Settings,
  kept: KeptConnections,
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
      // What was cut or broke left something on the connection.
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

/** A resolver cannot be stopped, but nobody has to wait for it. */
function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}

/** An entry of `development.hosts` as `url.hostname` or `place(url)` would write it. */
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

/** Of what broke, only the code is repeated: a peer may have written the message. */
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

/** What development may reach, production may not: throws `invalid_input`. */
export function refuseInProduction(development: unknown, what: string): void {
  if (development === undefined || process.env.NODE_ENV !== 'production') return
  const message = `${what}: development: is refused where NODE_ENV is production.`
  throw new BursarError('invalid_input', message)
}
