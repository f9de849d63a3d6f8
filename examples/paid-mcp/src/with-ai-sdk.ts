import { createMCPClient, type MCPTransport } from '@ai-sdk/mcp'
import { payingTransport } from '@bursar/mcp'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { generateText, stepCountIs } from 'ai'
import { server, session, toolsUrl } from './sandbox.ts'
// For a real model this is the one line to change: const model = 'openai/gpt-5-mini'
import { quoting as model } from './scripted-models.ts'

/** Lets an agent of the AI SDK buy a quote. */
export async function askAiSdk(): Promise<string> {
  const transport = new StreamableHTTPClientTransport(toolsUrl) as MCPTransport
  const mcp = await createMCPClient({ transport: payingTransport(transport, { session, server }) })
  try {
    const prompt = 'What does ACME cost now?'
    const tools = await mcp.tools()
    const { text } = await generateText({ model, tools, prompt, stopWhen: stepCountIs(8) })
    return text
  } finally {
    await mcp.close()
  }
}
