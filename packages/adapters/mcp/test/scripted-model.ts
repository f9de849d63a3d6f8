import { simulateReadableStream } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'

type Content = Awaited<ReturnType<MockLanguageModelV4['doGenerate']>>['content']

/** A call of any tool by the model. */
export interface ToolUse {
  readonly id: string
  readonly tool: string
  readonly input: unknown
}

/** A model that makes these calls, one step after the other, and then says `Done.` */
export function scriptedModel(script: readonly (readonly ToolUse[])[]): MockLanguageModelV4 {
  let step = 0
  const next = (): Content => {
    const calls = script[step++]
    if (!calls) return [{ type: 'text', text: 'Done.' }]
    return calls.map(({ id, tool, input }) => ({
      type: 'tool-call',
      toolCallId: id,
      toolName: tool,
      input: JSON.stringify(input),
    }))
  }
  return new MockLanguageModelV4({
    doGenerate: async () => {
      const content = next()
      return { content, ...finish(content), warnings: [] }
    },
    doStream: async () => {
      const content = next()
      const parts = content.flatMap((part): unknown[] =>
        part.type === 'text'
          ? [
              { type: 'text-start', id: 't' },
              { type: 'text-delta', id: 't', delta: part.text },
              { type: 'text-end', id: 't' },
            ]
          : [part],
      )
      const end = { type: 'finish', ...finish(content) }
      const chunks = [{ type: 'stream-start', warnings: [] }, ...parts, end] as never[]
      const now = { initialDelayInMs: null, chunkDelayInMs: null }
      return { stream: simulateReadableStream({ chunks, ...now }) }
    },
  })
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

/** Everything that the model was sent of its tools' results, as it was sent. */
export function resultsOf(model: MockLanguageModelV4): unknown[] {
  const { prompt = [] } = [...model.doGenerateCalls, ...model.doStreamCalls].at(-1) ?? {}
  return prompt
    .flatMap((message) => (message.role === 'tool' ? message.content : []))
    .map((part) => ('output' in part ? part.output : part))
}
