import * as sdk7 from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import * as sdk6 from 'ai-6'
import { MockLanguageModelV3 } from 'ai-6/test'
import type { PaymentTools } from '../src/index.ts'

/** A tool call of the scripted model; `input` is sent as JSON, a text as it is. */
interface ScriptedCall {
  readonly id: string
  readonly input: unknown
}

/** What the model does at each step: calls of the payment tool, or a last word. */
type Script = readonly (readonly ScriptedCall[] | string)[]

/** One run of an agent. */
interface Run {
  readonly tools: PaymentTools
  readonly script: Script
  /** What the application hands to the tool, by the means of the version. */
  readonly context?: unknown
  readonly messages?: readonly unknown[]
  readonly abortSignal?: AbortSignal
}

/** What a run came to. */
interface Outcome {
  /** Results of the tool as the model was told them at its last step, oldest first. */
  readonly told: readonly unknown[]
  /** Everything that an application could print, send or keep of the run, as JSON. */
  readonly everything: string
  /** What streamed out of the tool, with the mark of what is not final. */
  readonly streamed: readonly { readonly output: unknown; readonly preliminary: boolean }[]
  /** The tools as the provider was given them. */
  readonly offered: unknown
}

/** One version of the AI SDK, with its own agent loop. */
export interface Sdk {
  readonly version: number
  /** What people write with it, to be compiled with the settings beside it. */
  readonly consumer: URL
  generate(run: Run): Promise<Outcome>
  stream(run: Run): Promise<Outcome>
  agent(run: Run): Promise<Outcome>
}

type Loop = 'generate' | 'stream' | 'agent'

// The suite runs one program over two versions, whose types differ from each other at every turn.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

export const sdks: readonly Sdk[] = [
  {
    version: 7,
    consumer: new URL('../consumer/ai-7.ts', import.meta.url),
    ...loops(sdk7, MockLanguageModelV4, (context) => ({
      toolsContext: { pay_within_session: context },
    })),
  },
  {
    version: 6,
    consumer: new URL('../consumer/ai-6.ts', import.meta.url),
    ...loops(sdk6, MockLanguageModelV3, (context) => ({ experimental_context: context })),
  },
]

function loops(sdk: Any, MockModel: Any, contextOf: (context: unknown) => object): Pick<Sdk, Loop> {
  const run = async (loop: Loop, { script, context, messages, ...rest }: Run): Promise<Outcome> => {
    const model = scriptedModel(sdk, MockModel, script)
    const given = messages ? { messages } : { prompt: 'Buy what you need.' }
    const options = { model, stopWhen: sdk.stepCountIs(20), maxRetries: 0, ...contextOf(context) }
    if (loop === 'generate')
      return outcome(model, await sdk.generateText({ ...options, ...rest, ...given }))
    if (loop === 'stream') return streamed(model, sdk.streamText({ ...options, ...rest, ...given }))
    const agent = new sdk.ToolLoopAgent({ ...options, tools: rest.tools })
    return outcome(model, await agent.generate(given))
  }
  return {
    generate: (given) => run('generate', given),
    stream: (given) => run('stream', given),
    agent: (given) => run('agent', given),
  }
}

function scriptedModel(sdk: Any, MockModel: Any, script: Script): Any {
  let step = 0
  const next = (): Any[] => {
    const said = script[step++] ?? 'Done.'
    if (typeof said === 'string') return [{ type: 'text', text: said }]
    return said.map(({ id, input }) => ({
      type: 'tool-call',
      toolCallId: id,
      toolName: 'pay_within_session',
      input: typeof input === 'string' ? input : JSON.stringify(input),
    }))
  }
  const finish = (content: Any[]): Any => {
    const unified = content[0]?.type === 'text' ? 'stop' : 'tool-calls'
    return { finishReason: { unified, raw: unified }, usage }
  }
  return new MockModel({
    doGenerate: async () => {
      const content = next()
      return { content, ...finish(content), warnings: [] }
    },
    doStream: async () => {
      const content = next()
      const parts = content.flatMap((part) =>
        part.type === 'text'
          ? [
              { type: 'text-start', id: 't' },
              { type: 'text-delta', id: 't', delta: part.text },
              { type: 'text-end', id: 't' },
            ]
          : [part],
      )
      const end = { type: 'finish', ...finish(content) }
      const chunks = [{ type: 'stream-start', warnings: [] }, ...parts, end]
      const now = { initialDelayInMs: null, chunkDelayInMs: null }
      return { stream: sdk.simulateReadableStream({ chunks, ...now }) }
    },
  })
}

async function outcome(
  model: Any,
  result: Any,
  streamed: Outcome['streamed'] = [],
): Promise<Outcome> {
  const calls = [...model.doGenerateCalls, ...model.doStreamCalls]
  const steps = await result.steps
  const response = await result.response
  return {
    told: toolResults(calls.at(-1).prompt),
    everything: JSON.stringify([calls, steps, response, await result.toolResults, streamed]),
    streamed,
    offered: calls[0].tools,
  }
}

async function streamed(model: Any, result: Any): Promise<Outcome> {
  const outputs: { output: unknown; preliminary: boolean }[] = []
  for await (const part of result.fullStream) {
    if (part.type === 'error') throw part.error
    if (part.type !== 'tool-result') continue
    outputs.push({ output: part.output, preliminary: part.preliminary === true })
  }
  return outcome(model, result, outputs)
}

function toolResults(prompt: Any[]): unknown[] {
  return prompt
    .filter((message) => message.role === 'tool')
    .flatMap((message) => message.content.map((part: Any) => part.output?.value ?? part.output))
}
