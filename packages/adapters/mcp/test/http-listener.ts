import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'

/** An MCP server over HTTP on this machine. */
export interface HttpListener {
  readonly url: URL
  close(): Promise<void>
}

/** Listens with a new MCP server for each request, which answers with JSON or with a stream. */
export async function listenHttp(
  makeServer: () => Server,
  { isJson = false }: { readonly isJson?: boolean } = {},
): Promise<HttpListener> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: isJson } as object)
    await makeServer().connect(transport as Transport)
    await transport.handleRequest(request, response)
  }
  return listen((request, response) => {
    if (request.method === 'POST') void answer(request, response)
    else response.writeHead(405).end()
  })
}

/** Listens with any request handler. */
export async function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<HttpListener> {
  const listener = createServer(answer)
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  return {
    url: new URL(`http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`),
    close: async () => {
      listener.closeAllConnections()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}
