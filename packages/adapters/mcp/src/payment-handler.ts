import { PaymentSession } from '@bursar/core/session'
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { type PaymentServerOptions, paymentServer } from './payment-server.ts'

/** Offers the payment tool over HTTP. */
export interface PaymentHandler {
  /**
   * Answers one request of MCP. `auth` is what your own middleware has found out about the request:
   * turn away what has none before you call this.
   */
  handle(request: Request, auth?: AuthInfo): Promise<Response>
  /** Closes every connection. */
  close(): Promise<void>
}

/** Connections at the same time; whoever was not heard of for the longest time has to begin anew. */
const MAX_CONNECTIONS = 1_000

/** Longest body: the guard takes arguments of a quarter of it. */
const MAX_BODY_BYTES = 1_048_576

/** How MCP names a connection over HTTP. */
const SESSION_HEADER = 'mcp-session-id'

interface Connection {
  readonly transport: WebStandardStreamableHTTPServerTransport
  /** The payment session that it began with. */
  readonly owner: string | undefined
  close(): Promise<void>
}

/**
 * Makes a handler of MCP's streamable HTTP that offers the payment tool, for any server that speaks
 * `Request` and `Response`. Connections are kept in this process: a client has to reach it again.
 *
 * A connection belongs to the payment session that it began with: with other credentials it is
 * unknown, so that nobody sees the questions of another by the id of a connection.
 *
 * @example
 * const payments = paymentHandler({ session: (auth) => sessions.get(auth?.extra?.user) })
 * app.all('/mcp', async (c) => payments.handle(c.req.raw, await authenticated(c)))
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
        if (oldest) void forget(...oldest)
      },
      onsessionclosed: (id) => void connections.delete(id),
    })
    const connection = { transport, owner, close: () => server.close() }
    await server.connect(transport as Transport)
    return connection
  }
  const forget = async (id: string, connection: Connection): Promise<void> => {
    connections.delete(id)
    await connection.close()
  }
  return {
    handle: async (request, auth) => {
      const body = await readBody(request)
      if (body === 'too_long') return problem(413, 'The body is too long.')
      if (body === 'invalid') return problem(400, 'The body is no JSON.')
      const owner = await ownerOf(options, auth)
      const id = request.headers.get(SESSION_HEADER)
      const known = id === null ? undefined : connections.get(id)
      if (id !== null && (!known || known.owner !== owner)) return problem(404, 'Session not found')
      if (id !== null && known) {
        // The newest of them is the last one.
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
      await Promise.all([...connections].map((one) => forget(...one)))
    },
  }
}

/** Whose money a request would spend; nobody's where there is no session, which a call says. */
async function ownerOf(
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

async function readBody(
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

function problem(status: number, message: string): Response {
  const error = { code: status === 404 ? -32001 : -32700, message }
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status })
}
