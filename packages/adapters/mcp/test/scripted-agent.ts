import { inspect } from 'node:util'
import { createMCPClient, ElicitationRequestSchema, type MCPTransport } from '@ai-sdk/mcp'
import { OpenTelemetry } from '@ai-sdk/otel'
import type { ModelResult, ToolCallsOptions } from '@bursar/core/session'
import type { AgentRun, AgentTurn, ScriptedAgent } from '@bursar/core/testing'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import { generateText, registerTelemetry, stepCountIs, type ToolSet } from 'ai'
import { endedSpans, exported } from '../../../../test/adapters/spans.ts'
import { type PaymentServerOptions, paymentServer } from '../src/index.ts'
import { resultsOf, scriptedModel } from './scripted-model.ts'

registerTelemetry(new OpenTelemetry())

/**
 * The loop of the AI SDK with its client of MCP, over a server of the adapter. Where a human has to
 * agree, the client is asked by elicitation, and the turn stops until it answers.
 */
export const agent: ScriptedAgent = { run: (turn) => start(turn) }

type Answer = 'accept' | 'decline'

async function start(turn: AgentTurn): Promise<AgentRun> {
  const spansBefore = endedSpans().length
  const wire: unknown[] = []
  const mcp = await createMCPClient({
    transport: (await connected(turn, wire)) as MCPTransport,
    ...(turn.stops ? { capabilities: { elicitation: {} } } : {}),
  })
  const questions = createQuestions()
  if (turn.stops) mcp.onElicitationRequest(ElicitationRequestSchema, () => questions.ask())
  const uses = turn.script.map((step) =>
    step.map((call) => ({ ...call, tool: 'pay_within_session' })),
  )
  const model = scriptedModel(uses)
  const ended = generateText({
    model,
    tools: questions.counted(await mcp.tools()),
    prompt: 'Buy it.',
    stopWhen: stepCountIs(100),
    maxRetries: 0,
    ...(turn.signal ? { abortSignal: turn.signal } : {}),
  })
  ended.then(
    ({ steps }) => {
      wire.push(steps)
      return mcp.close()
    },
    () => mcp.close(),
  )
  const untilStopped = async (): Promise<AgentRun> => {
    await Promise.race([ended, questions.stopped()])
    return {
      offered: (model.doGenerateCalls[0]?.tools ?? []).flatMap((tool) =>
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
      told: resultsOf(model).map(toldBy),
      waiting: questions.waiting(),
      everything: async () =>
        [
          JSON.stringify([wire, model.doGenerateCalls]),
          JSON.stringify(endedSpans().slice(spansBefore).map(exported)),
          inspect([wire, model.doGenerateCalls], { depth: 12, showHidden: true }),
        ].join('\n'),
      resume: (answer) => {
        questions.answer(answer === 'yes' ? 'accept' : 'decline')
        return untilStopped()
      },
      replay: () => start(turn),
    }
  }
  return untilStopped()
}

/** The client's end; whatever goes over it is kept, and the server's side says who it is from. */
async function connected({ options, context }: AgentTurn, wire: unknown[]): Promise<object> {
  const [near, far] = InMemoryTransport.createLinkedPair()
  const [ask, answer] = [near.send.bind(near), far.send.bind(far)]
  const authInfo = { token: 'none', clientId: 'test', scopes: [], extra: { turn: context } }
  near.send = (message) => {
    wire.push(message)
    return ask(message, { authInfo })
  }
  far.send = (message) => {
    wire.push(message)
    return answer(message)
  }
  await paymentServer(optionsOf(options)).connect(far)
  return near
}

/** The suite's functions take the context of the turn, which is what a middleware would find out. */
function optionsOf({ session, conversation, onContent }: ToolCallsOptions): PaymentServerOptions {
  const turnOf = (auth: AuthInfo | undefined) => auth?.extra?.turn
  return {
    session: typeof session === 'function' ? (auth) => session(turnOf(auth)) : session,
    conversation:
      typeof conversation === 'function' ? (auth) => conversation(turnOf(auth)) : conversation,
    onContent: onContent && ((content, auth) => onContent(content, turnOf(auth))),
  }
}

/** The person at the client: a turn has stopped when all calls that are under way wait for them. */
function createQuestions() {
  let underWay = 0
  let waiting: ((answer: { action: Answer }) => void)[] = []
  let stop = (): void => {}
  const look = (): void => {
    if (waiting.length > 0 && waiting.length === underWay) stop()
  }
  return {
    ask: () =>
      new Promise<{ action: Answer }>((resolve) => {
        waiting.push(resolve)
        look()
      }),
    answer: (action: Answer) => {
      const asked = waiting
      waiting = []
      for (const resolve of asked) resolve({ action })
    },
    waiting: () => waiting.length,
    stopped: () =>
      new Promise<void>((resolve) => {
        stop = resolve
        look()
      }),
    counted: (tools: ToolSet): ToolSet =>
      Object.fromEntries(
        Object.entries(tools).map(([name, tool]) => [
          name,
          {
            ...tool,
            execute: async (...given: [never, never]) => {
              underWay += 1
              try {
                return await tool.execute?.(...given)
              } finally {
                underWay -= 1
                look()
              }
            },
          } as ToolSet[string],
        ]),
      ),
  }
}

function toldBy(output: unknown): ModelResult {
  const { value } = output as { value: { text: string }[] }
  return JSON.parse(value[0]?.text ?? '')
}
