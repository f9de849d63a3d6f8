import { scriptedAnswer } from '@bursar/example-ai-sdk-agent/scripted-answer'
import { AIMessage, type BaseMessage } from '@langchain/core/messages'
import type { MastraModelConfig } from '@mastra/core/llm'
import { MockLanguageModelV4 } from 'ai/test'
import { fakeModel } from 'langchain'

/** Creates a mock model that calls one tool, and makes a sentence of the tool's result. */
function mock(tool: string, sentence: (told: string) => string): MockLanguageModelV4 {
  return new MockLanguageModelV4({
    doGenerate: async ({ prompt }) => {
      const told = JSON.stringify(prompt.filter(({ role }) => role === 'tool'))
      if (told !== '[]') return scriptedAnswer([{ type: 'text', text: sentence(told) }])
      const call = { type: 'tool-call', toolCallId: 'call-1', toolName: tool } as const
      return scriptedAnswer([{ ...call, input: '{"symbol":"ACME"}' }])
    },
  })
}

export const quoting: MockLanguageModelV4 = mock('quote', (told) => {
  const price = /([0-9]+\.[0-9]{2}) USD/.exec(told)?.[1]
  return `The AI SDK bought: ACME costs ${price} USD.`
})

/** Mastra takes the mocks of the AI SDK. */
export const collecting: MastraModelConfig = mock('tools_dataset', (told) => {
  const code = /payment_[a-z_]+/.exec(told)?.[0]
  return `Mastra was told: ${code}`
}) as unknown as MastraModelConfig

export const translating: ReturnType<typeof fakeModel> = fakeModel()
  .respondWithTools([{ id: 'call-1', name: 'translate', args: { text: 'good morning' } }])
  .respond((messages: BaseMessage[]) => {
    const told = String(messages.at(-1)?.content)
    return new AIMessage(`LangChain bought: In French that is "${told}".`)
  })
