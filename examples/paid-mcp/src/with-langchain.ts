import { payingTransport } from '@bursar/mcp'
import { loadMcpTools } from '@langchain/mcp-adapters'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { createAgent } from 'langchain'
import { server, session, toolsUrl } from './sandbox.ts'
// For a real model this is the one line to change: const model = 'anthropic:claude-sonnet-4-5'
import { translating as model } from './scripted-models.ts'

/** Lets an agent of LangChain buy a translation. */
export async function askLangChain(): Promise<string> {
  const client = new Client({ name: 'translator', version: '1.0.0' })
  const transport = new StreamableHTTPClientTransport(toolsUrl) as Transport
  await client.connect(payingTransport(transport, { session, server }))
  try {
    const tools = await loadMcpTools('tools', client as never)
    const agent = createAgent({ model, tools })
    const prompt = { role: 'user', content: 'What is "good morning" in French?' }
    const { messages } = await agent.invoke({ messages: [prompt] })
    return String(messages.at(-1)?.content)
  } finally {
    await client.close()
  }
}
