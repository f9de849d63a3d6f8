import { PaymentSession } from '@bursar/core/session'
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { type PaymentServerOptions, paymentServer } from './payment-server.ts'

/** An HTTP handler that offers the payment tool. */
export interface PaymentHandler {
  /**
   * Answers one MCP request. `auth` is the result of your own authentication middleware. Reject
   * unauthenticated requests before you call this.
   */
  handle(request: Request, auth?: AuthInfo): Promise<Response>
  /** Closes every connection. */
  close(): Promise<void>
}

/**
 * The most connections at the same time. The least recently used one is closed, and its client
 * reconnects.
 */
const MAX_CONNECTIONS = 1_000

/** The longest body: four times as much as the guard accepts as arguments. */
const MAX_BODY_BYTES = 1_048_576

/** The header that names an MCP connection over HTTP. */
const SESSION_HEADER = 'mcp-session-id'

interface Connection {
  readonly transport: WebStandardStreamableHTTPServerTransport
  /** The id of the payment session that the connection began with. */
  readonly owner: string | undefined
  close(): Promise<void>
}

/**
 * Makes a handler of MCP's streamable HTTP that offers the payment tool. Use it with any server
 * that has `Request` and `Response`. Connections live in this process, so a client must reach the
 * same process.
 *
 * A connection belongs to the payment session that it began with. A request with other credentials
 * gets status 404, so that no user can read another user's approval questions. The first request
 * rejects with `invalid_input` if `conversation` is an empty string.
 *
 * @example
 * ```ts
 * import type { PaymentSession } from '@bursar/core'
 * import { paymentHandler } from '@bursar/mcp'
 *
 * declare const sessions: Map<unknown, PaymentSession>
 * declare function authenticate(request: Request): { token: string; clientId: string; scopes: string[] }
 *
 * const payments = paymentHandler({ session: (auth) => sessions.get(auth?.clientId) })
 * const handleMcp = (request: Request) => payments.handle(request, authenticate(request))
 * ```
 */
export function paymentHandler(options: PaymentServerOptions): PaymentHandler {
  const connections = new Map<string, Connection>()
  const open = async (owner: string | undefined): Promise<Connection> => {
    const server = paymentServer(options)
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => {
        connections.set(id, connection)
        if (connections.size <= MAX_CONNECTIONS) return
        const [oldest] = connections
        if (oldest) void closeConnection(...oldest)
      },
      onsessionclosed: (id) => void connections.delete(id),
    })
    const connection = { transport, owner, close: () => server.close() }
    await server.connect(transport as Transport)
    return connection
  }
  const closeConnection = async (id: string, connection: Connection): Promise<void> => {
    connections.delete(id)
    await connection.close()
  }
  return {
    handle: async (request, auth) => {
      const body = await readHandledBody(request)
      if (body === 'too_long')
        return refuseHandledRequest(413, `The body is over ${MAX_BODY_BYTES} bytes.`)
      if (body === 'invalid') return refuseHandledRequest(400, 'The body is not JSON.')
      const owner = await findHandlerOwner(options, auth)
      const id = request.headers.get(SESSION_HEADER)
      const known = id === null ? undefined : connections.get(id)
      if (id !== null && (!known || known.owner !== owner))
        return refuseHandledRequest(404, 'Session not found')
      if (id !== null && known) {
        // The map's order is the order of use, with the latest at its end.
        connections.delete(id)
        connections.set(id, known)
      }
      const connection = known ?? (await open(owner))
      const more = { ...body, ...(auth ? { authInfo: auth } : {}) }
      const response = await connection.transport.handleRequest(request, more)
      if (!known && connection.transport.sessionId === undefined) await connection.close()
      return response
    },
    close: async () => {
      await Promise.all([...connections].map((one) => closeConnection(...one)))
    },
  }
}

/**
 * Finds the id of the request's payment session. Returns undefined if there is none: a call is then
 * denied.
 */
async function findHandlerOwner(
  { session }: PaymentServerOptions,
  auth: AuthInfo | undefined,
): Promise<string | undefined> {
  try {
    const found: unknown = typeof session === 'function' ? await session(auth) : session
    return PaymentSession.is(found) ? found.id : undefined
  } catch {
    return undefined
  }
}

async function readHandledBody(
  request: Request,
): Promise<{ readonly parsedBody?: unknown } | 'too_long' | 'invalid'> {
  if (!request.body) return {}
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.byteLength
    if (size > MAX_BODY_BYTES) return 'too_long'
    chunks.push(chunk)
  }
  try {
    return { parsedBody: JSON.parse(Buffer.concat(chunks).toString('utf8')) }
  } catch {
    return 'invalid'
  }
}

function refuseHandledRequest(status: number, message: string): Response {
  const error = { code: status === 404 ? -32001 : -32700, message }
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status })
}
