import { payTool } from '@bursar/core'
import type { LanguageModel } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import type { Act } from './job.ts'

type Answer = Awaited<ReturnType<MockLanguageModelV4['doGenerate']>>

const nothingUsed: Answer['usage'] = {
  inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 0, text: 0, reasoning: 0 },
}

/** Makes a model that follows an act's script step by step, and then has nothing more to say. */
export function scriptedModel(act: Act): LanguageModel {
  const steps = [...act.steps]
  let calls = 0
  return new MockLanguageModelV4({
    provider: 'demo',
    modelId: 'scripted',
    doGenerate: async (): Promise<Answer> => {
      const step = steps.shift()
      if (!step) return makeAnswer([], 'stop')
      const toolCalls = step.calls.map(({ input }) => {
        calls += 1
        const toolCallId = `${act.title}, call ${calls}`
        return {
          type: 'tool-call',
          toolCallId,
          toolName: payTool.name,
          input: JSON.stringify(input),
        } as const
      })
      return makeAnswer([{ type: 'text', text: step.says }, ...toolCalls], 'tool-calls')
    },
  })
}

function makeAnswer(content: Answer['content'], reason: 'stop' | 'tool-calls'): Answer {
  return {
    content,
    finishReason: { unified: reason, raw: reason },
    usage: nothingUsed,
    warnings: [],
  }
}
