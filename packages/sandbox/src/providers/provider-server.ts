import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that a provider received. */
export interface ProviderRequest {
  readonly method: string
  /** The path with its query, and with the base path of the service. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The body as it was sent. */
  readonly text: string
}

/** A provider's answer: a status with JSON, the end of the connection, or none at all. */
export type ProviderAnswer =
  | { readonly status: number; readonly body: unknown }
  | { readonly status: 'drop' | 'hang' }

/**
 * A fault of a provider: an error status, or a connection that ends or hangs before or after the
 * provider has carried out the request.
 */
export type ProviderFault =
  | { readonly kind: 'status'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'drop-before' | 'drop-after' | 'hang-before' | 'hang-after' }

/** A provider's HTTP API on the loopback interface. */
export interface ProviderServer {
  /** The address of the server, `http://127.0.0.1:port`. */
  readonly url: string
  close(): Promise<void>
}

/** The longest request: more than a wallet needs. */
const MAX_REQUEST_BYTES = 65_536

/** Serves a provider's API until it is closed. */
export async function serveProvider(
  answer: (request: ProviderRequest) => Promise<ProviderAnswer>,
): Promise<ProviderServer> {
  const server = createServer((incoming, response) => {
    void respondAsProvider(answer, incoming, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** Carries out a request with a fault, if there is one, before or after it. */
export async function answerAsProvider(
  fault: ProviderFault | undefined,
  carryOut: () => Promise<ProviderAnswer>,
): Promise<ProviderAnswer> {
  switch (fault?.kind) {
    case undefined:
      return carryOut()
    case 'status':
      return { status: fault.status, body: fault.body }
    case 'drop-before':
      return { status: 'drop' }
    case 'hang-before':
      return { status: 'hang' }
    case 'drop-after':
    case 'hang-after':
      await carryOut()
      return { status: fault.kind === 'drop-after' ? 'drop' : 'hang' }
    default:
      return fault satisfies never
  }
}

async function respondAsProvider(
  answer: (request: ProviderRequest) => Promise<ProviderAnswer>,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const text = await readProviderBody(incoming)
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [name, value?.toString()]),
  )
  const { method = '', url: path = '' } = incoming
  const providerAnswer = await answer({ method, path, headers, text })
  if (!('body' in providerAnswer)) {
    if (providerAnswer.status === 'drop') response.destroy()
    return
  }
  response.writeHead(providerAnswer.status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(providerAnswer.body))
}

async function readProviderBody(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of incoming) {
    bytes += (part as Buffer).byteLength
    if (bytes > MAX_REQUEST_BYTES)
      throw new Error(`The request is over ${MAX_REQUEST_BYTES} bytes.`)
    parts.push(part as Buffer)
  }
  return Buffer.concat(parts).toString()
}
