import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request that a provider received. */
export interface ProviderRequest {
  readonly method: string
  /** With the base path of the service. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** As it was sent. */
  readonly text: string
}

/** What a provider answers: a status with JSON, or the end of the connection. */
export type ProviderAnswer =
  | { readonly status: number; readonly body: unknown }
  | { readonly status: 'drop' }

/**
 * What goes wrong with the next request that signs: a status, or a connection that ends before or after
 * the signature was made.
 */
export type ProviderFault =
  | { readonly kind: 'status'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'drop-before' }
  | { readonly kind: 'drop-after' }

/** A provider's HTTP API on the loopback interface. */
export interface ProviderServer {
  /** `http://127.0.0.1:port`. */
  readonly url: string
  close(): Promise<void>
}

/** More than any request of a wallet needs. */
const MAX_REQUEST_BYTES = 65_536

/** Serves a provider's API until it is closed. */
export async function serveProvider(
  answer: (request: ProviderRequest) => Promise<ProviderAnswer>,
): Promise<ProviderServer> {
  const server = createServer((incoming, response) => {
    void respond(answer, incoming, response).catch(() => response.destroy())
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

async function respond(
  answer: (request: ProviderRequest) => Promise<ProviderAnswer>,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const text = await textOf(incoming)
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [name, value?.toString()]),
  )
  const { method = '', url: path = '' } = incoming
  const answered = await answer({ method, path, headers, text })
  if (answered.status === 'drop') {
    response.destroy()
    return
  }
  response.writeHead(answered.status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answered.body))
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of incoming) {
    bytes += (part as Buffer).byteLength
    if (bytes > MAX_REQUEST_BYTES) throw new Error('The request is too large.')
    parts.push(part as Buffer)
  }
  return Buffer.concat(parts).toString()
}
