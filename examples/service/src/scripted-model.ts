import type { LanguageModel } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'

type Options = Parameters<MockLanguageModelV4['doGenerate']>[0]
type Answer = Awaited<ReturnType<MockLanguageModelV4['doGenerate']>>

/** The AI SDK's own mock: asks for the URL in its prompt once, and repeats the price that it reads there. */
export const model: LanguageModel = new MockLanguageModelV4({
  doGenerate: async ({ prompt }) => {
    const told = JSON.stringify(prompt.filter(({ role }) => role === 'tool'))
    if (told === '[]') return call({ url: urlIn(prompt), purpose: 'the price of ACME' })
    const price = /price\W+([0-9.]+)/.exec(told)?.[1]
    const text = price === undefined ? 'I could not find out.' : `ACME costs ${price} USD.`
    return answer([{ type: 'text', text }], 'stop')
  },
})

function urlIn(prompt: Options['prompt']): string {
  return /https?:[^"\s]+/.exec(JSON.stringify(prompt))?.[0] ?? ''
}

function call(input: object): Answer {
  const toolCall = {
    type: 'tool-call',
    toolCallId: 'call-1',
    toolName: 'pay_within_session',
    input: JSON.stringify(input),
  } as const
  return answer([toolCall], 'tool-calls')
}

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
