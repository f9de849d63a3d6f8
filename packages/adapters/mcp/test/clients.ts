import { createMCPClient, type MCPTransport } from '@ai-sdk/mcp'
import { HumanMessage } from '@langchain/core/messages'
import { loadMcpTools } from '@langchain/mcp-adapters'
import { Agent } from '@mastra/core/agent'
import type { MastraModelConfig } from '@mastra/core/llm'
import { MCPClient } from '@mastra/mcp'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { generateText, stepCountIs } from 'ai'
import { createAgent, FakeToolCallingModel } from 'langchain'
import type { ToolUse } from '../../../../test/adapters/scripted-provider.ts'
import { payingMcpFetch, payingTransport } from '../src/index.ts'
import { resultsOf, scriptedModel } from './scripted-model.ts'
import { SERVER, type ToolWorld } from './tool-world.ts'

/** A framework's agent with its own MCP client, which pays. */
export interface PayingClient {
  readonly name: string
  /** Runs a script. Returns the result of each of the model's calls as one text, in their order. */
  run(
    world: Pick<ToolWorld, 'session'>,
    url: URL,
    script: readonly ToolUse[],
    signal?: AbortSignal,
  ): Promise<string[]>
}

const aiSdk: PayingClient = {
  name: 'the AI SDK',
  run: async ({ session }, url, script, signal) => {
    // The transport's types do not suit `exactOptionalPropertyTypes`.
    const transport = new StreamableHTTPClientTransport(url) as MCPTransport
    const mcp = await createMCPClient({
      transport: payingTransport(transport, { session, server: SERVER }),
    })
    const model = scriptedModel(script.map((use) => [use]))
    const tools = await mcp.tools()
    const stops = { stopWhen: stepCountIs(20), ...(signal ? { abortSignal: signal } : {}) }
    await generateText({ model, tools, prompt: 'Ask.', ...stops }).finally(() => mcp.close())
    return resultsOf(model).map((result) => JSON.stringify(result))
  },
}

const aiSdkHttp: PayingClient = {
  name: 'the AI SDK, with a transport of its own',
  run: async ({ session }, url, script, signal) => {
    const fetch = payingMcpFetch({ session, server: SERVER }) as typeof globalThis.fetch
    const mcp = await createMCPClient({ transport: { type: 'http', url: url.href, fetch } })
    const model = scriptedModel(script.map((use) => [use]))
    const tools = await mcp.tools()
    const stops = { stopWhen: stepCountIs(20), ...(signal ? { abortSignal: signal } : {}) }
    await generateText({ model, tools, prompt: 'Ask.', ...stops }).finally(() => mcp.close())
    return resultsOf(model).map((result) => JSON.stringify(result))
  },
}

const langChain: PayingClient = {
  name: 'LangChain',
  run: async ({ session }, url, script, signal) => {
    const client = new Client({ name: 'langchain', version: '1' })
    const transport = new StreamableHTTPClientTransport(url) as Transport
    await client.connect(payingTransport(transport, { session, server: SERVER }))
    const tools = await loadMcpTools('tools', client as never)
    const calls = script.map(({ id, tool, input }) => [
      { type: 'tool_call' as const, id, name: tool, args: input as Record<string, unknown> },
    ])
    const model = new FakeToolCallingModel({ toolCalls: [...calls, []] })
    const agent = createAgent({ model, tools })
    const prompt = { messages: [new HumanMessage('Ask.')] }
    const { messages } = await agent
      .invoke(prompt, signal ? { signal } : {})
      .finally(() => client.close())
    return messages
      .filter((message) => message.getType() === 'tool')
      .map(({ content }) => JSON.stringify(content))
  },
}

const mastra: PayingClient = {
  name: 'Mastra',
  run: async ({ session }, url, script, signal) => {
    const fetch = payingMcpFetch({ session, server: SERVER })
    const mcp = new MCPClient({
      id: crypto.randomUUID(),
      servers: { tools: { url, fetch, onToolError: 'return' } },
    })
    const uses = script.map((use) => [{ ...use, tool: `tools_${use.tool}` }])
    const model = scriptedModel(uses)
    const agent = new Agent({
      id: 'buyer',
      name: 'Buyer',
      instructions: 'Ask.',
      model: model as unknown as MastraModelConfig,
      tools: await mcp.listTools(),
    })
    const stops = { maxSteps: 20, ...(signal ? { abortSignal: signal } : {}) }
    await agent.generate('Ask.', stops).finally(() => mcp.disconnect())
    return resultsOf(model).map((result) => JSON.stringify(result))
  },
}

/** The MCP clients of all frameworks. */
export const payingClients: readonly PayingClient[] = [aiSdk, aiSdkHttp, langChain, mastra]
