import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type buildConnector, Client } from 'undici'
import type { HttpResponse } from '../ports/http-client.ts'
import type { BursarError } from '../primitives/errors.ts'
import { boundedBody } from './bounded-body.ts'
import { createFailure } from './request-failure.ts'

/** The most bytes of a response's head. Challenges in base64 have exceeded undici's own 16 KiB. */
const MAX_RESPONSE_HEADER_BYTES = 65_536

/** The most interim responses, each as large as a head. An honest server sends one or two. */
const MAX_INTERIM_RESPONSES = 16

/** A checked request, ready to be written to a connection. */
export interface ExchangeRequest {
  readonly url: URL
  readonly method: string
  /** The names and values of the headers, in turn. */
  readonly head: readonly string[]
  readonly body: string | undefined
  readonly maxBodyBytes: number
}

/** The time in milliseconds that a connection may idle between the requests of a payment. */
const KEPT_MS = 1_000

/** A connection to one origin at one address. It is dialled when it is first used. */
export interface Connection {
  readonly origin: string
  readonly address: string
  readonly client: Client
  /** Closes the connection at once. */
  close(reason?: Error): void
}

/**
 * Makes a connection for one exchange, or for the two exchanges of one payment (`isKept`). No other end user
 * or payment uses the connection.
 */
export function openHttpConnection(url: URL, address: string, isKept: boolean): Connection {
  let socket: Socket | undefined
  const client = new Client(url.origin, {
    connect: (_options, callback) => {
      socket = dialHttp(url, address, callback)
    },
    // With a pipelining of 0, undici sends `connection: close`.
    pipelining: isKept ? 1 : 0,
    allowH2: false,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    keepAliveTimeout: KEPT_MS,
    keepAliveMaxTimeout: KEPT_MS,
    // The caller's signal is the overall deadline: a slowly dripping body passes these timeouts.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return {
    origin: url.origin,
    address,
    client,
    close(reason) {
      void client.destroy(reason ?? null)
      // `Client` cannot destroy a socket that is still connecting.
      socket?.destroy()
    },
  }
}

/**
 * Sends a request once, and reads the response within its bounds. `isLast` asks the peer to close the
 * connection afterwards. Rejects if the exchange ends before a status arrives. Later faults make the
 * response `broken`.
 */
export async function exchangeHttp(
  { client, address, close }: Connection,
  request: ExchangeRequest,
  isLast: boolean,
  signal: AbortSignal,
): Promise<HttpResponse> {
  signal.throwIfAborted()
  const { url } = request
  // An abort must end the exchange while connecting too, and undici ignores its signal until then.
  const abort = () => close(new Error('The exchange was aborted.'))
  signal.addEventListener('abort', abort, { once: true })
  let interim = 0
  try {
    const response = await client.request({
      method: request.method,
      path: `${url.pathname}${url.search}`,
      headers: [...request.head],
      body: request.body ?? null,
      reset: isLast,
      responseHeaders: 'raw',
      onInfo: () => {
        interim += 1
        if (interim > MAX_INTERIM_RESPONSES) throw new Error('Too many interim responses.')
      },
    })
    // With `raw` the headers are a flat list, which undici's types leave out.
    const headers = joinHttpHeaders(response.headers as unknown as readonly string[])
    const encoding = headers['content-encoding']
    const body = await boundedBody(response.body, encoding, request.maxBodyBytes)
    return { status: response.statusCode, headers, ...body, remoteAddress: address }
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Dials an address for the host of a URL. */
function dialHttp(url: URL, address: string, callback: buildConnector.Callback): Socket {
  const secure = url.protocol === 'https:'
  const port = Number(url.port) || (secure ? 443 : 80)
  const name = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const socket = secure
    ? connectTls({
        host: address,
        port,
        // The certificate must match the host name rather than the address. An IP literal sends no
        // server name, and the certificate is then checked against `host`.
        ...(isIP(name) === 0 ? { servername: name } : {}),
        ALPNProtocols: ['http/1.1'],
        // Set explicitly, so that NODE_TLS_REJECT_UNAUTHORIZED=0 has no effect here.
        rejectUnauthorized: true,
      })
    : connectTcp({ host: address, port })
  let isShakingHands = false
  const fail = (error: Error) =>
    callback(isShakingHands ? createHttpHandshakeFailure(error) : error, null)
  socket.setNoDelay(true)
  socket.once('error', fail)
  if (secure) {
    socket.once('connect', () => {
      isShakingHands = true
    })
  }
  socket.once(secure ? 'secureConnect' : 'connect', () => {
    socket.off('error', fail)
    callback(null, socket)
  })
  return socket
}

function createHttpHandshakeFailure(error: Error & { readonly code?: string }): BursarError {
  const { code = 'the handshake broke' } = error
  return code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'
    ? createFailure('http2_only', 'it speaks HTTP/2 only', error)
    : createFailure('tls', code, error)
}

function joinHttpHeaders(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null)
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    const value = raw[index + 1] ?? ''
    const before = headers[name]
    headers[name] = before === undefined ? value : `${before}, ${value}`
  }
  return headers
}
