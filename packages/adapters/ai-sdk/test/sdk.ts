import type { AgentTurn, ScriptedCall } from '@bursar/core/testing'
import * as sdk7 from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import * as sdk6 from 'ai-6'
import { MockLanguageModelV3 } from 'ai-6/test'

// The suite runs one program over two versions, whose types differ from each other at every turn.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Any = any

/** One version of the AI SDK, and what differs between them. */
export interface Sdk {
  readonly version: 6 | 7
  readonly sdk: Any
  readonly MockModel: Any
  /** What people write with it, to be compiled with the settings beside it. */
  readonly consumer: URL
  readonly contextOf: (context: unknown) => object
}

export const sdks: readonly Sdk[] = [
  {
    version: 7,
    sdk: sdk7,
    MockModel: MockLanguageModelV4,
    consumer: new URL('../consumer/ai-7.ts', import.meta.url),
    contextOf: (context) => ({ toolsContext: { pay_within_session: context } }),
  },
  {
    version: 6,
    sdk: sdk6,
    MockModel: MockLanguageModelV3,
    consumer: new URL('../consumer/ai-6.ts', import.meta.url),
    contextOf: (context) => ({ experimental_context: context }),
  },
]

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

/** The provider's side: says what the script says, one step a call. */
export function scriptedModel({ sdk, MockModel }: Sdk, script: AgentTurn['script']): Any {
  let step = 0
  const next = (): Any[] => {
    const calls: readonly ScriptedCall[] | undefined = script[step++]
    if (!calls) return [{ type: 'text', text: 'Done.' }]
    return calls.map(({ id, input }) => ({
      type: 'tool-call',
      toolCallId: id,
      toolName: 'pay_within_session',
      input: JSON.stringify(input),
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
