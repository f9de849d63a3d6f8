import type { LanguageModel } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { type ScriptedAnswer, scriptedAnswer } from './scripted-answer.ts'

type Options = Parameters<MockLanguageModelV4['doGenerate']>[0]

/**
 * Creates a mock model that requests the resource once, and repeats the price that it reads there.
 */
export function scriptedModel(resource: string): LanguageModel {
  return new MockLanguageModelV4({
    doGenerate: async ({ prompt }) => {
      const told = toolResult(prompt)
      if (told === undefined) return call({ url: resource, purpose: 'the price of ACME' })
      const price = /"price":"([0-9.]+)"/.exec(told)?.[1]
      const text = price === undefined ? 'It needs your approval.' : `ACME costs ${price} USD.`
      return scriptedAnswer([{ type: 'text', text }])
    },
  })
}

/** Returns the tool's result from the prompt, or undefined if the tool was not called yet. */
function toolResult(prompt: Options['prompt']): string | undefined {
  const outputs = prompt.flatMap((message) =>
    message.role === 'tool'
      ? message.content.map((part) => (part.type === 'tool-result' ? part.output : undefined))
      : [],
  )
  const [output] = outputs
  if (output?.type !== 'json') return undefined
  const { content } = output.value as { readonly content?: string }
  return content ?? ''
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
