import { MockLanguageModelV4 } from 'ai/test'
import { scriptedProvider, type ToolUse } from '../../../../test/adapters/scripted-provider.ts'

/** Makes a model that makes these calls, one step after the other, and then says `Done.` */
export function scriptedModel(script: readonly (readonly ToolUse[])[]): MockLanguageModelV4 {
  return new MockLanguageModelV4(scriptedProvider(script))
}

/** Lists the tool results that the model was sent, unchanged. */
export function resultsOf(model: MockLanguageModelV4): unknown[] {
  const { prompt = [] } = [...model.doGenerateCalls, ...model.doStreamCalls].at(-1) ?? {}
  return prompt
    .flatMap((message) => (message.role === 'tool' ? message.content : []))
    .map((part) => ('output' in part ? part.output : part))
}
