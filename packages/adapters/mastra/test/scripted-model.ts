import type { ModelResult } from '@bursar/core'
import type { AgentRun, AgentTurn } from '@bursar/core/testing'
import type { MastraModelConfig } from '@mastra/core/llm'
import { simulateReadableStream } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'

type Options = Parameters<MockLanguageModelV4['doGenerate']>[0]
type Content = Awaited<ReturnType<MockLanguageModelV4['doGenerate']>>['content']

/** A model that makes the calls of its script, one step after the other, and then says `Done.` */
export interface ScriptedModel {
  /** Mastra takes the mocks of the AI SDK; their types differ in what a promise resolves to. */
  readonly model: MastraModelConfig
  /** The tools as the model was offered them. */
  offered(): AgentRun['offered']
  /** What it was told of its calls of the payment tool. */
  told(): ModelResult[]
  /** Everything that it was sent. */
  heard(): string
}

export function scriptedModel(
  script: AgentTurn['script'],
  tool = 'pay_within_session',
): ScriptedModel {
  const heard: Options[] = []
  const next = (options: Options): Content => {
    const calls = script[heard.length]
    heard.push(options)
    if (!calls) return [{ type: 'text', text: 'Done.' }]
    return calls.map(({ id, input }) => ({
      type: 'tool-call',
      toolCallId: id,
      toolName: tool,
      input: JSON.stringify(input),
    }))
  }
  const model = new MockLanguageModelV4({
    doGenerate: async (options) => {
      const content = next(options)
      return { content, ...finish(content), warnings: [] }
    },
    doStream: async (options) => {
      const content = next(options)
      const parts = content.flatMap((part): unknown[] =>
        part.type === 'text'
          ? [
              { type: 'text-start', id: 't' },
              { type: 'text-delta', id: 't', delta: part.text },
              { type: 'text-end', id: 't' },
            ]
          : [part],
      )
      const start = { type: 'stream-start', warnings: [] }
      const end = { type: 'finish', ...finish(content) }
      const chunks = [start, ...parts, end] as never[]
      const now = { initialDelayInMs: null, chunkDelayInMs: null }
      return { stream: simulateReadableStream({ chunks, ...now }) }
    },
  })
  return {
    model: model as unknown as MastraModelConfig,
    offered: () =>
      (heard[0]?.tools ?? []).flatMap((one) =>
        one.type === 'function'
          ? [{ name: one.name, description: one.description ?? '', inputSchema: one.inputSchema }]
          : [],
      ),
    told: () => toldOf(heard.at(-1)),
    heard: () => JSON.stringify(heard),
  }
}

function toldOf(options: Options | undefined): ModelResult[] {
  const parts = (options?.prompt ?? []).flatMap((message) =>
    message.role === 'tool' ? message.content : [],
  )
  return parts.flatMap((part) =>
    part.type === 'tool-result' && 'value' in part.output ? [part.output.value as never] : [],
  )
}

function finish(content: Content) {
  const unified = content[0]?.type === 'text' ? ('stop' as const) : ('tool-calls' as const)
  return {
    finishReason: { unified, raw: unified },
    usage: {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 },
    },
  }
}
