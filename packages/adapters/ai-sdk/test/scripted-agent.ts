import { inspect } from 'node:util'
import { OpenTelemetry } from '@ai-sdk/otel'
import type { ModelResult } from '@bursar/core'
import type { AgentRun, AgentTurn, ScriptedAgent } from '@bursar/core/testing'
import { registerTelemetry } from 'ai'
import { endedSpans, exported } from '../../../../test/adapters/spans.ts'
import { paymentTools } from '../src/index.ts'
import { type Any, type Sdk, scriptedModel, sdks } from './sdk.ts'

registerTelemetry(new OpenTelemetry())

/** One way to run an agent with one version of the SDK. */
export interface AiSdkAgent extends ScriptedAgent {
  readonly version: 6 | 7
  readonly loop: Loop
}

type Loop = 'generate' | 'stream' | 'agent'

/** Every loop of every version. */
export const agents: readonly AiSdkAgent[] = sdks.flatMap((version) =>
  (['generate', 'stream', 'agent'] as const).map((loop) => ({
    version: version.version,
    loop,
    run: (turn: AgentTurn) =>
      go({ version, loop, turn }, [{ role: 'user', content: 'Buy it.' }], turn.script),
  })),
)

interface Setting {
  readonly version: Sdk
  readonly loop: Loop
  readonly turn: AgentTurn
}

/** Sends a history, and lets the model go through the rest of its script. */
async function go(
  setting: Setting,
  messages: readonly Any[],
  script: AgentTurn['script'],
): Promise<AgentRun> {
  const { version, loop, turn } = setting
  const { sdk } = version
  const model = scriptedModel(version, script)
  const spansBefore = endedSpans().length
  const options = {
    model,
    tools: paymentTools({ ...turn.options, needsApproval: turn.stops }),
    stopWhen: sdk.stepCountIs(100),
    maxRetries: 0,
    ...version.contextOf(turn.context),
    // Version 7 traces by the registered integrations.
    ...(version.version === 6 ? { experimental_telemetry: { isEnabled: true } } : {}),
  }
  const call = { messages, ...(turn.signal ? { abortSignal: turn.signal } : {}) }
  const streamed: unknown[] = []
  const result =
    loop === 'generate'
      ? await sdk.generateText({ ...options, ...call })
      : loop === 'agent'
        ? await new sdk.ToolLoopAgent(options).generate(call)
        : await consumed(sdk.streamText({ ...options, ...call, onError: () => {} }), streamed)
  const calls = [...model.doGenerateCalls, ...model.doStreamCalls]
  const steps = await result.steps
  const said = (await result.responseMessages) ?? (await result.response).messages
  const history = [...messages, ...said]
  const waiting = requestsOf(history).filter(({ answered }) => !answered)
  const left = script.slice(calls.length)
  return {
    offered: (calls[0]?.tools ?? []).map(({ name, description, inputSchema }: Any) => ({
      name,
      description,
      inputSchema,
    })),
    told: toldOf(history, calls.at(-1)?.prompt ?? [], said),
    waiting: waiting.length,
    everything: async () =>
      [
        JSON.stringify([calls, steps, history, streamed]),
        JSON.stringify(endedSpans().slice(spansBefore).map(exported)),
        inspect([steps, history, streamed], { depth: 12, showHidden: true }),
      ].join('\n'),
    resume: (answer) => {
      const content = waiting.map(({ approvalId }) => ({
        type: 'tool-approval-response',
        approvalId,
        approved: answer === 'yes',
      }))
      return go(setting, [...history, { role: 'tool', content }], left)
    },
    replay: () => go(setting, messages, script),
  }
}

/** Reads a stream to its end, as an application and as a browser would get it. */
async function consumed(result: Any, streamed: unknown[]): Promise<Any> {
  const browser = result.toUIMessageStream()
  for await (const part of result.fullStream) {
    if (part.type === 'error' || part.type === 'abort') {
      throw part.error ?? new Error('The stream was aborted.')
    }
    streamed.push(part)
  }
  for await (const part of browser) streamed.push(part)
  return result
}

function requestsOf(history: readonly Any[]): { approvalId: string; answered: boolean }[] {
  const parts = history.flatMap(({ content }) => (Array.isArray(content) ? content : []))
  const answered = parts.filter(({ type }) => type === 'tool-approval-response')
  return parts
    .filter(({ type }) => type === 'tool-approval-request')
    .map(({ approvalId }) => ({
      approvalId,
      answered: answered.some((one) => one.approvalId === approvalId),
    }))
}

/** Lists the results in the model's last prompt, and the later ones of a run that stopped. */
function toldOf(
  history: readonly Any[],
  prompt: readonly Any[],
  said: readonly Any[],
): ModelResult[] {
  const order: string[] = history
    .filter(({ role, content }) => role === 'assistant' && Array.isArray(content))
    .flatMap(({ content }) => content.map(({ toolCallId }: Any) => toolCallId))
  const resultsOf = (messages: readonly Any[]): Any[] =>
    messages
      .filter(({ role }) => role === 'tool')
      .flatMap(({ content }) => content.filter(({ type }: Any) => type === 'tool-result'))
  const seen = resultsOf(prompt)
  const unseen = resultsOf(said).filter(
    ({ toolCallId }) => !seen.some((one) => one.toolCallId === toolCallId),
  )
  return [...seen, ...unseen]
    .sort((a, b) => order.indexOf(a.toolCallId) - order.indexOf(b.toolCallId))
    .map(({ output }) => output.value ?? output)
}
