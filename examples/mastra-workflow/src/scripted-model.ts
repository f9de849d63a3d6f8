import { scriptedAnswer } from '@bursar/example-ai-sdk-agent/scripted-answer'
import type { MastraModelConfig } from '@mastra/core/llm'
import { MockLanguageModelV4 } from 'ai/test'
import { quote } from './sandbox.ts'

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
      return scriptedAnswer([{ ...call, input }])
    }
    const [, price] = /price[^0-9]*([0-9.]+)/.exec(told.slice(told.indexOf('content'))) ?? []
    return scriptedAnswer([{ type: 'text', text: `ACME costs ${price} USD.` }])
  },
})

/** A mock of the AI SDK, which Mastra takes: asks for the quote once, and repeats what it reads there. */
export const model: MastraModelConfig = mock as unknown as MastraModelConfig
