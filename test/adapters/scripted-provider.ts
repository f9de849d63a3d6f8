import { simulateReadableStream } from 'ai'
import type { MockLanguageModelV4 } from 'ai/test'

type Generated = Awaited<ReturnType<MockLanguageModelV4['doGenerate']>>
type Streamed = Awaited<ReturnType<MockLanguageModelV4['doStream']>>

/** A call of any tool by the model. */
export interface ToolUse {
  readonly id: string
  readonly tool: string
  readonly input: unknown
}

/** A mock model of the AI SDK, in the shape of every version of its provider interface. */
export interface ScriptedProvider {
  doGenerate(): Promise<Generated>
  doStream(): Promise<Streamed>
}

/** Makes the calls of the script, one step after the other, and then says `Done.` */
export function scriptedProvider(script: readonly (readonly ToolUse[])[]): ScriptedProvider {
  let step = 0
  const next = (): Generated['content'] => {
    const calls = script[step++]
    if (!calls) return [{ type: 'text', text: 'Done.' }]
    return calls.map(({ id, tool, input }) => ({
      type: 'tool-call',
      toolCallId: id,
      toolName: tool,
      input: JSON.stringify(input),
    }))
  }
  return {
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
  }
}

function finish(content: Generated['content']): Pick<Generated, 'finishReason' | 'usage'> {
  const unified = content[0]?.type === 'text' ? 'stop' : 'tool-calls'
  return {
    finishReason: { unified, raw: unified },
    usage: {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 },
    },
  }
}
