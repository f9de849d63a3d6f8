import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type buildConnector, Client } from 'undici'
import type { HttpResponse } from '../ports/http-client.ts'
import { boundedBody } from './bounded-body.ts'

/** The most bytes of response headers. Base64 challenges in headers can exceed undici's 16 KiB. */
const MAX_RESPONSE_HEADER_BYTES = 65_536

/**
 * The most interim (1xx) responses before the final one. An honest server sends one or two, and each
 * may be as large as a response head.
 */
const MAX_INTERIM_RESPONSES = 16

/** The checked input of one exchange. */
export interface ExchangeRequest {
  readonly url: URL
  readonly method: string
  /** The header names and values, alternating. */
  readonly head: readonly string[]
  readonly body: string | undefined
  readonly maxBodyBytes: number
}

/** The keep-alive milliseconds between the two requests of a payment, in which the proof is signed. */
const KEPT_MS = 1_000

/** A connection to the origin of one URL at one address, opened with its first request. */
export interface Connection {
  readonly origin: string
  readonly address: string
  readonly client: Client
  /** Closes the connection at once, and ends a request in flight. */
  close(reason?: Error): void
}

/**
 * Creates a connection for one exchange, or with `isKept` for the two exchanges of one payment. End
 * users therefore share no connection, and a late response cannot reach another payment.
 */
export function openConnection(url: URL, address: string, isKept: boolean): Connection {
  let socket: Socket | undefined
  const client = new Client(url.origin, {
    connect: (_options, callback) => {
      socket = dial(url, address, callback)
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
 * Sends a request once, and reads the response within its bounds. The caller must use the connection
 * for one exchange at a time. `isLast` asks the peer to close the connection afterwards. Rejects with
 * the error that ended the exchange before a status arrived; a later error gives a `broken` response.
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
    // With `raw`, undici returns the headers as a flat list, which its types leave out.
    const headers = joinedHeaders(response.headers as unknown as readonly string[])
    const encoding = headers['content-encoding']
    const body = await boundedBody(response.body, encoding, request.maxBodyBytes)
    return { status: response.statusCode, headers, ...body, remoteAddress: address }
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function dial(url: URL, address: string, callback: buildConnector.Callback): Socket {
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
  const failed = (error: Error) => callback(error, null)
  socket.setNoDelay(true)
  socket.once('error', failed)
  socket.once(secure ? 'secureConnect' : 'connect', () => {
    socket.off('error', failed)
    callback(null, socket)
  })
  return socket
}

function joinedHeaders(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null)
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    const value = raw[index + 1] ?? ''
    const before = headers[name]
    headers[name] = before === undefined ? value : `${before}, ${value}`
  }
  return headers
}
