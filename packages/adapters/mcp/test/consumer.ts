import { createMCPClient, type MCPTransport } from '@ai-sdk/mcp'
import type { PaymentSession } from '@bursar/core'
import { loadMcpTools } from '@langchain/mcp-adapters'
import { MCPClient } from '@mastra/mcp'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { payingMcpFetch, payingTransport, paymentHandler } from '../src/index.ts'

/** The tools of applications with MCP clients. The docs show this file, and a test runs it. */
const server = 'tools.example'

/** Pays with the client of the AI SDK. */
export async function aiSdk(url: URL, session: PaymentSession): Promise<readonly string[]> {
  // #region ai-sdk
  const transport = new StreamableHTTPClientTransport(url) as MCPTransport
  const mcp = await createMCPClient({ transport: payingTransport(transport, { session, server }) })
  const tools = await mcp.tools() // for generateText, streamText or an agent
  // #endregion
  await mcp.close()
  return Object.keys(tools)
}

/** Pays with the client that LangChain's adapter takes. */
export async function langChain(url: URL, session: PaymentSession): Promise<readonly string[]> {
  // #region langchain
  const client = new Client({ name: 'researcher', version: '1.0.0' })
  const transport = new StreamableHTTPClientTransport(url) as Transport
  await client.connect(payingTransport(transport, { session, server }))
  const tools = await loadMcpTools('tools', client as never) // for createAgent
  // #endregion
  await client.close()
  return tools.map(({ name }) => name)
}

/** Pays with the client of Mastra, which makes its own transport. */
export async function mastra(url: URL, session: PaymentSession): Promise<readonly string[]> {
  // #region mastra
  const fetch = payingMcpFetch({ session, server })
  const mcp = new MCPClient({ servers: { tools: { url, fetch, onToolError: 'return' } } })
  const tools = await mcp.listTools() // for an Agent
  // #endregion
  await mcp.disconnect()
  return Object.keys(tools)
}

/** Serves many users behind an application's own authentication. */
export function manyUsers(
  sessions: ReadonlyMap<string, PaymentSession>,
  authenticated: (request: Request) => Promise<AuthInfo | undefined>,
): (request: Request) => Promise<Response> {
  // #region many-users
  const payments = paymentHandler({
    session: (auth) => sessions.get(`${auth?.extra?.user}`),
    conversation: (auth) => `${auth?.extra?.chat}`,
  })

  const answer = async (request: Request): Promise<Response> => {
    const auth = await authenticated(request) // your own: what a client says is not believed
    return auth ? payments.handle(request, auth) : new Response(null, { status: 401 })
  }
  // #endregion
  return answer
}
