import { payingMcpFetch } from '@bursar/mcp'
import { Agent } from '@mastra/core/agent'
import { MCPClient } from '@mastra/mcp'
import { server, session, toolsUrl } from './sandbox.ts'
// For a real model this is the one line to change: const model = 'openai/gpt-5-mini'
import { collecting as model } from './scripted-models.ts'

/** Lets an agent of Mastra ask for a dataset that is over its limit, and returns its answer. */
export async function askMastra(): Promise<string> {
  const fetch = payingMcpFetch({ session, server })
  const tools = { url: toolsUrl, fetch, onToolError: 'return' as const }
  const mcp = new MCPClient({ servers: { tools } })
  try {
    const agent = new Agent({
      id: 'collector',
      name: 'Collector',
      instructions: 'Find out what is asked, and buy it if you must.',
      model,
      tools: await mcp.listTools(),
    })
    const { text } = await agent.generate('Get the dataset.')
    return text
  } finally {
    await mcp.disconnect()
  }
}
