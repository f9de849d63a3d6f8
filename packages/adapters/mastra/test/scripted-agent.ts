import { inspect } from 'node:util'
import type { ToolCallsOptions } from '@bursar/core/session'
import type { AgentRun, AgentTurn, ScriptedAgent } from '@bursar/core/testing'
import { Agent } from '@mastra/core/agent'
import { Mastra } from '@mastra/core/mastra'
import { RequestContext } from '@mastra/core/request-context'
import { InMemoryStore } from '@mastra/core/storage'
import { endedSpans, exported } from '../../../../test/adapters/spans.ts'
import { type PaymentToolsOptions, paymentTools } from '../src/index.ts'
import { type ScriptedModel, scriptedModel } from './scripted-model.ts'

/** One way in which Mastra runs an agent. */
export interface MastraAgent extends ScriptedAgent {
  readonly loop: Loop
}

type Loop = 'generate' | 'stream'

/** Every loop of an agent. */
export const agents: readonly MastraAgent[] = (['generate', 'stream'] as const).map((loop) => ({
  loop,
  run: (turn: AgentTurn) => start({ loop, turn }),
}))

interface Setting {
  readonly loop: Loop
  readonly turn: AgentTurn
}

/** An agent's storage and model, which outlive each of its processes. */
interface Kept {
  readonly store: InMemoryStore
  readonly model: ScriptedModel
  readonly streamed: unknown[]
  readonly snapshots: string[]
}

async function start(setting: Setting): Promise<AgentRun> {
  const store = new InMemoryStore()
  const kept = { store, model: scriptedModel(setting.turn.script), streamed: [], snapshots: [] }
  return go(setting, kept, { kind: 'prompt' })
}

type Input =
  | { readonly kind: 'prompt' }
  | {
      readonly kind: 'resume'
      readonly runId: string
      readonly call: string
      readonly yes: boolean
    }

/** Sends a prompt, or a resume, to a new Mastra that shares only the storage. */
async function go(setting: Setting, kept: Kept, input: Input): Promise<AgentRun> {
  const { loop, turn } = setting
  const before = endedSpans().length
  const { store, model, streamed, snapshots } = kept
  const agent = agentOf(turn, kept)
  const requestContext = new RequestContext<unknown>([['turn', turn.context]] as never)
  const options = {
    requestContext,
    maxSteps: 100,
    ...(turn.signal ? { abortSignal: turn.signal } : {}),
  }
  const output =
    input.kind === 'prompt'
      ? await agent[loop]('Buy it.', options)
      : await agent[loop === 'generate' ? 'resumeGenerate' : 'resumeStream'](
          { approved: input.yes },
          { ...options, runId: input.runId, toolCallId: input.call },
        )
  if ('fullStream' in output) {
    for await (const part of output.fullStream) streamed.push(part)
  }
  const result = 'fullStream' in output ? await output.getFullOutput() : output
  if (result.error) throw result.error
  if (turn.signal?.aborted) throw new Error('The run was stopped.')
  streamed.push(result)
  const runId = result.runId ?? ''
  const workflows = await store.getStore('workflows')
  snapshots.push(JSON.stringify(await workflows?.listWorkflowRuns({})))
  const call = result.finishReason === 'suspended' ? result.suspendPayload?.toolCallId : undefined
  return {
    offered: model.offered(),
    told: model.told(),
    waiting: call === undefined ? 0 : 1,
    everything: async () =>
      [
        JSON.stringify(endedSpans().slice(before).map(exported)),
        model.heard(),
        ...snapshots,
        JSON.stringify(streamed),
        inspect(streamed, { depth: 12, showHidden: true }),
      ].join('\n'),
    resume: (answer) => go(setting, kept, { kind: 'resume', runId, call, yes: answer === 'yes' }),
    replay: () => start(setting),
  }
}

function agentOf(turn: AgentTurn, { store, model }: Kept): Agent {
  const agent = new Agent({
    id: 'buyer',
    name: 'Buyer',
    instructions: 'Buy it.',
    model: model.model,
    tools: paymentTools(optionsOf(turn.options)),
    maxRetries: 0,
  })
  // Without a storage no run can be resumed. Mastra would make a storage of its own.
  if (!turn.stops) return agent
  return new Mastra({ agents: { buyer: agent }, logger: false, storage: store }).getAgent('buyer')
}

/** Adapts the suite's functions, which take the turn's context, a value of the request context. */
function optionsOf({ session, conversation, onContent }: ToolCallsOptions): PaymentToolsOptions {
  const turnOf = (context: RequestContext) => context.get('turn')
  return {
    session: typeof session === 'function' ? (context) => session(turnOf(context)) : session,
    conversation:
      typeof conversation === 'function'
        ? (context) => conversation(turnOf(context))
        : conversation,
    onContent: onContent && ((content, context) => onContent(content, turnOf(context))),
  }
}
