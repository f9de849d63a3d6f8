import { type ScriptedAnswer, scriptedAnswer } from '@bursar/example-ai-sdk-agent/scripted-answer'
import type { LanguageModel } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { market } from './sandbox.ts'

type Options = Parameters<MockLanguageModelV4['doGenerate']>[0]

/** The tasks of the supervisor: a fair one, one above its budget, and one too many. */
const tasks = [
  { task: `${market.url}/quote`, budget: '0.03' },
  { task: `${market.url}/article`, budget: '0.03' },
  { task: `${market.url}/dataset`, budget: '5.00' },
]

/** The AI SDK's own mock: hires three sub-agents at once, and repeats what they said. */
export const editing: LanguageModel = new MockLanguageModelV4({
  doGenerate: async ({ prompt }) => {
    const told = resultsIn(prompt)
    if (told.length === 0) return calls('hire', tasks)
    const names = ['first', 'second', 'third']
    const text = told.map((said, index) => `The ${names[index]} one said: ${said}`).join('\n')
    return scriptedAnswer([{ type: 'text', text }])
  },
})

/** Asks for the resource that its task is, and says what came of it. */
export function researching(): LanguageModel {
  return new MockLanguageModelV4({
    doGenerate: async ({ prompt }) => {
      const [told] = resultsIn(prompt)
      if (told === undefined) {
        const [url] = /http[^" ]+/.exec(JSON.stringify(prompt)) ?? []
        return calls('pay_within_session', [{ url, purpose: 'the task' }])
      }
      const { content = '', code } = JSON.parse(told)
      const price = /"price":"([0-9.]+)"/.exec(content)?.[1]
      const text = price ? `ACME costs ${price} USD.` : `It was refused: ${code}.`
      return scriptedAnswer([{ type: 'text', text }])
    },
  })
}

function resultsIn(prompt: Options['prompt']): string[] {
  return prompt
    .flatMap((message) => (message.role === 'tool' ? message.content : []))
    .flatMap((part) => (part.type === 'tool-result' ? [part.output] : []))
    .map((output) => ('value' in output ? textOf(output.value) : output.type))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function calls(toolName: string, inputs: readonly object[]): ScriptedAnswer {
  return scriptedAnswer(
    inputs.map((input, index) => ({
      type: 'tool-call',
      toolCallId: `${toolName}-${index}`,
      toolName,
      input: JSON.stringify(input),
    })),
  )
}
