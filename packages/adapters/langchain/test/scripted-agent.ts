import { inspect } from 'node:util'
import type { ModelResult } from '@bursar/core'
import type { AgentRun, AgentTurn, ScriptedAgent } from '@bursar/core/testing'
import { HumanMessage } from '@langchain/core/messages'
import { RunCollectorCallbackHandler } from '@langchain/core/tracers/run_collector'
import { convertToOpenAITool } from '@langchain/core/utils/function_calling'
import { Command, MemorySaver } from '@langchain/langgraph'
import { createAgent } from 'langchain'
import { endedSpans, exported } from '../../../../test/adapters/spans.ts'
import { paymentTools } from '../src/index.ts'
import { ScriptedChatModel } from './scripted-chat-model.ts'

/**
 * One way in which LangChain runs an agent: one task for each tool call, or one for all of a step.
 */
export interface LangChainAgent extends ScriptedAgent {
  readonly version: 'v1' | 'v2'
}

/** Every loop of `createAgent`. */
export const agents: readonly LangChainAgent[] = (['v1', 'v2'] as const).map((version) => ({
  version,
  run: (turn: AgentTurn) => start({ version, turn }),
}))

interface Setting {
  readonly version: 'v1' | 'v2'
  readonly turn: AgentTurn
}

/** An agent with its memory and all of its output. */
interface Running {
  readonly agent: ReturnType<typeof makeAgent>
  readonly kept: MemorySaver
  readonly streamed: unknown[]
  readonly offered: AgentRun['offered']
}

const config = { configurable: { thread_id: 'thread-1' }, recursionLimit: 500 }
const prompt = { messages: [new HumanMessage('Buy it.')] }

async function start({ version, turn }: Setting): Promise<AgentRun> {
  const kept = new MemorySaver()
  const tools = paymentTools(turn.options)
  const agent = makeAgent(version, turn, kept, tools)
  const offered = tools.map((tool) => {
    const { name, description, parameters } = convertToOpenAITool(tool).function
    return { name, description: description ?? '', inputSchema: parameters }
  })
  return go({ version, turn }, { agent, kept, streamed: [], offered }, prompt)
}

function makeAgent(
  version: 'v1' | 'v2',
  { script, stops }: AgentTurn,
  kept: MemorySaver,
  tools: ReturnType<typeof paymentTools>,
) {
  const model = new ScriptedChatModel(script)
  return createAgent({ model, tools, version, ...(stops ? { checkpointer: kept } : {}) })
}

/** Sends a prompt, or a resume, and listens to everything that streams. */
async function go(
  setting: Setting,
  running: Running,
  input: typeof prompt | Command | null,
  from: object = config,
): Promise<AgentRun> {
  const { agent, kept, streamed, offered } = running
  const { turn } = setting
  const before = endedSpans().length
  const tracer = new RunCollectorCallbackHandler()
  const stream = await agent.graph.stream(input, {
    ...config,
    ...from,
    context: turn.context as Record<string, unknown>,
    callbacks: [tracer],
    streamMode: ['values', 'updates', 'custom', 'messages', 'debug'],
    ...(turn.signal ? { signal: turn.signal } : {}),
  })
  let last: State = { messages: [] }
  for await (const part of stream) {
    const [mode, chunk] = part as [string, State]
    streamed.push(part)
    if (mode === 'values' && 'messages' in chunk) last = chunk
  }
  const { tasks } = turn.stops ? await agent.graph.getState(config) : { tasks: [] }
  const interrupts = tasks.flatMap((task) => task.interrupts)
  return {
    offered,
    told: toldOf(last),
    waiting: interrupts.length,
    everything: async () =>
      [
        JSON.stringify(endedSpans().slice(before).map(exported)),
        JSON.stringify([streamed, last]),
        inspect([streamed, last], { depth: 12, showHidden: true }),
        textOf([kept.storage, kept.writes]),
        inspect(tracer.tracedRuns, { depth: 20, maxStringLength: null, maxArrayLength: null }),
      ].join('\n'),
    resume: (answer) => {
      const approved = answer === 'yes'
      const answers = interrupts.map(({ id }) => [id, { approved }])
      return go(setting, running, new Command({ resume: Object.fromEntries(answers) }))
    },
    replay: () => replay(setting, running),
  }
}

/** Travels back to the point before the tool calls. Without a memory, repeats the whole turn. */
async function replay(setting: Setting, running: Running): Promise<AgentRun> {
  if (!setting.turn.stops) return start(setting)
  for await (const state of running.agent.graph.getStateHistory(config)) {
    if (state.next.includes('tools')) return go(setting, running, null, state.config)
  }
  throw new Error('The tools were never called.')
}

interface State {
  readonly messages: readonly { readonly content: unknown; getType(): string }[]
}

function toldOf({ messages }: State): ModelResult[] {
  return messages
    .filter((message) => message.getType() === 'tool')
    .map(({ content }) => JSON.parse(String(content)))
}

/** Formats the content of a checkpointer, with its bytes as text. */
function textOf(kept: unknown): string {
  return JSON.stringify(kept, (_key, value) =>
    value instanceof Uint8Array ? new TextDecoder().decode(value) : value,
  )
}
