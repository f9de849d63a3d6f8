import { type ScriptedAnswer, scriptedAnswer } from '@bursar/example-ai-sdk-agent/scripted-answer'
import type { LanguageModel } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'

type Options = Parameters<MockLanguageModelV4['doGenerate']>[0]

/** The AI SDK's own mock: asks for the URL in its prompt once, and repeats the price that it reads there. */
export const model: LanguageModel = new MockLanguageModelV4({
  doGenerate: async ({ prompt }) => {
    const told = JSON.stringify(prompt.filter(({ role }) => role === 'tool'))
    if (told === '[]') return call({ url: urlIn(prompt), purpose: 'the price of ACME' })
    const price = /price\W+([0-9.]+)/.exec(told)?.[1]
    const text = price === undefined ? 'I could not find out.' : `ACME costs ${price} USD.`
    return scriptedAnswer([{ type: 'text', text }])
  },
})

function urlIn(prompt: Options['prompt']): string {
  return /https?:[^"\s]+/.exec(JSON.stringify(prompt))?.[0] ?? ''
}

function call(input: object): ScriptedAnswer {
  const toolCall = {
    type: 'tool-call',
    toolCallId: 'call-1',
    toolName: 'pay_within_session',
    input: JSON.stringify(input),
  } as const
  return scriptedAnswer([toolCall])
}
