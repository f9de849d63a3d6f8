import type { MastraModelConfig } from '@mastra/core/llm'
import { MockLanguageModelV4 } from 'ai/test'
import { quote } from './sandbox.ts'

type Answer = Awaited<ReturnType<MockLanguageModelV4['doGenerate']>>

const mock = new MockLanguageModelV4({
  doGenerate: async ({ prompt }) => {
    const told = JSON.stringify(prompt.filter(({ role }) => role === 'tool'))
    if (told === '[]') {
      const input = JSON.stringify({ url: quote, purpose: 'the price of ACME' })
      const call = {
        type: 'tool-call',
        toolCallId: 'call-1',
        toolName: 'pay_within_session',
      } as const
      return answer([{ ...call, input }], 'tool-calls')
    }
    const [, price] = /price[^0-9]*([0-9.]+)/.exec(told.slice(told.indexOf('content'))) ?? []
    return answer([{ type: 'text', text: `ACME costs ${price} USD.` }], 'stop')
  },
})

/** A mock of the AI SDK, which Mastra takes: asks for the quote once, and repeats what it reads there. */
export const model: MastraModelConfig = mock as unknown as MastraModelConfig

function answer(content: Answer['content'], reason: 'stop' | 'tool-calls'): Answer {
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
