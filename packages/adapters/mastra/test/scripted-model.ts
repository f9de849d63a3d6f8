import type { ModelResult } from '@bursar/core'
import type { AgentRun, AgentTurn } from '@bursar/core/testing'
import type { MastraModelConfig } from '@mastra/core/llm'
import { MockLanguageModelV4 } from 'ai/test'
import { scriptedProvider } from '../../../../test/adapters/scripted-provider.ts'

type Options = Parameters<MockLanguageModelV4['doGenerate']>[0]

/** A model that makes the calls of its script, one step after the other, and then says `Done.` */
export interface ScriptedModel {
  /** The model for Mastra, which takes the AI SDK's mocks although a type of theirs differs. */
  readonly model: MastraModelConfig
  /** Returns the tools as they were offered to the model. */
  offered(): AgentRun['offered']
  /** Returns the results of the model's calls of the payment tool. */
  told(): ModelResult[]
  /** Returns everything that the model was sent. */
  heard(): string
}

export function scriptedModel(
  script: AgentTurn['script'],
  tool = 'pay_within_session',
): ScriptedModel {
  const uses = script.map((calls) => calls.map((call) => ({ ...call, tool })))
  const model = new MockLanguageModelV4(scriptedProvider(uses))
  const heard = () => [...model.doGenerateCalls, ...model.doStreamCalls]
  return {
    model: model as unknown as MastraModelConfig,
    offered: () =>
      (heard()[0]?.tools ?? []).flatMap((one) =>
        one.type === 'function'
          ? [{ name: one.name, description: one.description ?? '', inputSchema: one.inputSchema }]
          : [],
      ),
    told: () => toldOf(heard().at(-1)),
    heard: () => JSON.stringify(heard()),
  }
}

function toldOf(options: Options | undefined): ModelResult[] {
  const parts = (options?.prompt ?? []).flatMap((message) =>
    message.role === 'tool' ? message.content : [],
  )
  return parts.flatMap((part) =>
    part.type === 'tool-result' && 'value' in part.output ? [part.output.value as never] : [],
  )
}
