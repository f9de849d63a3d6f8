import type { ModelResult } from '@bursar/core/session'
import type { AgentTurn, ScriptedAgent } from '@bursar/core/testing'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { paymentHandler } from '../src/index.ts'
import { agentOf, type ClientRun, type Room, serverOf } from './client-agent.ts'

/** The official client without a model, over HTTP and a handler of the adapter. */
export const officialAgent: ScriptedAgent = agentOf(start)

async function start(turn: AgentTurn, { questions, wire }: Room): Promise<ClientRun> {
  const { options, authInfo } = serverOf(turn)
  const handler = paymentHandler(options)
  const transport = new StreamableHTTPClientTransport(new URL('https://payments.example/mcp'), {
    fetch: async (url, init) => {
      wire.push(init?.body)
      const response = await handler.handle(new Request(url, init), authInfo)
      return kept(response, wire)
    },
  })
  const capabilities = turn.stops ? { elicitation: {} } : {}
  const client = new Client({ name: 'test', version: '1' }, { capabilities })
  if (turn.stops) client.setRequestHandler(ElicitRequestSchema, () => questions.ask())
  await client.connect(transport as Transport)
  const { tools } = await client.listTools()
  const told: ModelResult[] = []
  const call = async (input: unknown): Promise<ModelResult> => {
    const params = { name: 'pay_within_session', arguments: input as Record<string, unknown> }
    const signal = turn.signal ? { signal: turn.signal } : {}
    const { content } = await client.callTool(params, undefined, signal)
    return JSON.parse((content as { text: string }[])[0]?.text ?? '')
  }
  const calls = async (): Promise<void> => {
    try {
      for (const step of turn.script) {
        const results = step.map(({ input }) => questions.during(() => call(input)))
        told.push(...(await Promise.all(results)))
      }
    } finally {
      await client.close()
      await handler.close()
    }
  }
  return {
    ended: calls(),
    offered: () =>
      tools.map(({ name, description = '', inputSchema }) => ({ name, description, inputSchema })),
    told: () => told,
    heard: () => tools,
  }
}

/** Records the text of a response while the response is read. */
function kept(response: Response, wire: unknown[]): Response {
  const { status, headers } = response
  const text = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      wire.push(new TextDecoder().decode(chunk))
      controller.enqueue(chunk)
    },
  })
  const body = response.body?.pipeThrough(text) ?? null
  return new Response(body, { status, headers })
}
