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

/** What a provider answers: a status with JSON, the end of the connection, or nothing at all. */
export type ProviderAnswer =
  | { readonly status: number; readonly body: unknown }
  | { readonly status: 'drop' | 'hang' }

/**
 * What goes wrong with the next request that signs: a status, or a connection that ends, or hangs,
 * before or after the signature was made.
 */
export type ProviderFault =
  | { readonly kind: 'status'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'drop-before' | 'drop-after' | 'hang-before' | 'hang-after' }

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

/** Answers what `sign` makes, or what goes wrong in its place or after it. */
export async function answerWith(
  fault: ProviderFault | undefined,
  sign: () => Promise<ProviderAnswer>,
): Promise<ProviderAnswer> {
  switch (fault?.kind) {
    case undefined:
      return sign()
    case 'status':
      return { status: fault.status, body: fault.body }
    case 'drop-before':
      return { status: 'drop' }
    case 'hang-before':
      return { status: 'hang' }
    case 'drop-after':
    case 'hang-after':
      await sign()
      return { status: fault.kind === 'drop-after' ? 'drop' : 'hang' }
    default:
      return fault satisfies never
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
  if (!('body' in answered)) {
    if (answered.status === 'drop') response.destroy()
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
