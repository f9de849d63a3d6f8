import { createMCPClient, ElicitationRequestSchema, type MCPTransport } from '@ai-sdk/mcp'
import { OpenTelemetry } from '@ai-sdk/otel'
import type { ModelResult } from '@bursar/core/session'
import type { AgentTurn, ScriptedAgent } from '@bursar/core/testing'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { generateText, registerTelemetry, stepCountIs, type ToolSet } from 'ai'
import { paymentServer } from '../src/index.ts'
import { agentOf, type ClientRun, type Room, serverOf } from './client-agent.ts'
import type { Questions } from './questions.ts'
import { resultsOf, scriptedModel } from './scripted-model.ts'

registerTelemetry(new OpenTelemetry())

/**
 * The loop of the AI SDK with its client of MCP, over a server of the adapter in the same process.
 */
export const agent: ScriptedAgent = agentOf(start)

async function start(turn: AgentTurn, { questions, wire }: Room): Promise<ClientRun> {
  const mcp = await createMCPClient({
    transport: (await connected(turn, wire)) as MCPTransport,
    ...(turn.stops ? { capabilities: { elicitation: {} } } : {}),
  })
  if (turn.stops) mcp.onElicitationRequest(ElicitationRequestSchema, () => questions.ask())
  const uses = turn.script.map((step) =>
    step.map((call) => ({ ...call, tool: 'pay_within_session' })),
  )
  const model = scriptedModel(uses)
  const running = generateText({
    model,
    tools: counted(questions, await mcp.tools()),
    prompt: 'Buy it.',
    stopWhen: stepCountIs(100),
    maxRetries: 0,
    ...(turn.signal ? { abortSignal: turn.signal } : {}),
  })
  const finished = async (): Promise<void> => {
    try {
      wire.push((await running).steps)
    } finally {
      await mcp.close()
    }
  }
  return {
    ended: finished(),
    offered: () =>
      (model.doGenerateCalls[0]?.tools ?? []).flatMap((tool) =>
        tool.type === 'function'
          ? [
              {
                name: tool.name,
                description: tool.description ?? '',
                inputSchema: tool.inputSchema,
              },
            ]
          : [],
      ),
    told: () => resultsOf(model).map(toldBy),
    heard: () => model.doGenerateCalls,
  }
}

/** Records the messages of the client's transport, and adds the sender on the server's side. */
async function connected(turn: AgentTurn, wire: unknown[]): Promise<object> {
  const { options, authInfo } = serverOf(turn)
  const [near, far] = InMemoryTransport.createLinkedPair()
  const [ask, answer] = [near.send.bind(near), far.send.bind(far)]
  near.send = (message) => {
    wire.push(message)
    return ask(message, { authInfo })
  }
  far.send = (message) => {
    wire.push(message)
    return answer(message)
  }
  await paymentServer(options).connect(far)
  return near
}

function counted(questions: Questions, tools: ToolSet): ToolSet {
  return Object.fromEntries(
    Object.entries(tools).map(([name, tool]) => [
      name,
      {
        ...tool,
        execute: (...given: [never, never]) =>
          questions.during(async () => tool.execute?.(...given)),
      } as ToolSet[string],
    ]),
  )
}

function toldBy(output: unknown): ModelResult {
  const { value } = output as { value: { text: string }[] }
  return JSON.parse(value[0]?.text ?? '')
}
