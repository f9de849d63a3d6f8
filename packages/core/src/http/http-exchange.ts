import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type buildConnector, Client } from 'undici'
import type { HttpResponse } from '../ports/http-client.ts'
import { boundedBody } from './bounded-body.ts'

/** Challenges travel in headers, in base64: undici's own 16 KiB has been too little for them. */
const MAX_RESPONSE_HEADER_BYTES = 65_536

/** An honest server hints once or twice before it answers; each hint may be as large as a head. */
const MAX_INTERIM_RESPONSES = 16

/** Everything that one exchange needs; all of it was checked before. */
export interface ExchangeRequest {
  readonly url: URL
  readonly method: string
  /** Names and values in turn. */
  readonly head: readonly string[]
  readonly body: string | undefined
  readonly maxBodyBytes: number
}

/** How long a connection may wait for the second request of its payment: a signature is made meanwhile. */
const KEPT_MS = 1_000

/** A connection to the place of one URL, at one address. It is dialled when it is first used. */
export interface Connection {
  readonly origin: string
  readonly address: string
  readonly client: Client
  /** Hangs up, whatever goes on. */
  close(reason?: Error): void
}

/**
 * A connection of its own, for one exchange, or for the two of one payment (`isKept`). Nothing can be
 * shared between end users then, and no answer can be left over from another payment.
 */
export function openConnection(url: URL, address: string, isKept: boolean): Connection {
  let socket: Socket | undefined
  const client = new Client(url.origin, {
    connect: (_options, callback) => {
      socket = dial(url, address, callback)
    },
    // Without any pipelining the request says `connection: close`.
    pipelining: isKept ? 1 : 0,
    allowH2: false,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    keepAliveTimeout: KEPT_MS,
    keepAliveMaxTimeout: KEPT_MS,
    // The deadline of the whole is the caller's signal; a body that drips never trips these.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return {
    origin: url.origin,
    address,
    client,
    close(reason) {
      void client.destroy(reason ?? null)
      // The client does not know of a socket that is still connecting.
      socket?.destroy()
    },
  }
}

/**
 * Sends the request once, and reads the response within its bounds. Nobody else uses the connection
 * meanwhile; `isLast` says so to the peer. Rejects with whatever ended the exchange before there was
 * a status; afterwards it resolves, and the body may be broken.
 */
export async function exchangeHttp(
  { client, address, close }: Connection,
  request: ExchangeRequest,
  isLast: boolean,
  signal: AbortSignal,
): Promise<HttpResponse> {
  signal.throwIfAborted()
  const { url } = request
  // A signal given to undici does nothing until the connection is there, which may be never.
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
    // With `raw` the headers are a flat list, which undici's types do not say.
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
        // The certificate is for the name, not for the address that it resolved to. A literal has
        // no name to indicate, and is then checked as the host.
        ...(isIP(name) === 0 ? { servername: name } : {}),
        ALPNProtocols: ['http/1.1'],
        // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not reach here.
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
