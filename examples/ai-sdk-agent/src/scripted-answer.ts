import type { MockLanguageModelV4 } from 'ai/test'

/** An answer of the AI SDK's own mock of a model. */
export type ScriptedAnswer = Awaited<ReturnType<MockLanguageModelV4['doGenerate']>>

/** An answer of a model that calls tools, or has come to its end. */
export function scriptedAnswer(content: ScriptedAnswer['content']): ScriptedAnswer {
  const reason = content.some(({ type }) => type === 'tool-call') ? 'tool-calls' : 'stop'
  return {
    content,
    finishReason: { unified: reason, raw: reason },
    usage: {
      inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 0, text: 0, reasoning: 0 },
    },
    warnings: [],
  }
}
