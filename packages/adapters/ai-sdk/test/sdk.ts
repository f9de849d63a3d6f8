import type { AgentTurn } from '@bursar/core/testing'
import * as sdk7 from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import * as sdk6 from 'ai-6'
import { MockLanguageModelV3 } from 'ai-6/test'
import { scriptedProvider } from '../../../../test/adapters/scripted-provider.ts'

// The suite runs one program over two versions, whose types differ throughout.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Any = any

/** One version of the AI SDK, with its differences from the other. */
export interface Sdk {
  readonly version: 6 | 7
  readonly sdk: Any
  readonly MockModel: Any
  /** An application with this version, compiled with the settings beside it. */
  readonly consumer: URL
  readonly contextOf: (context: unknown) => object
}

export const sdks: readonly Sdk[] = [
  {
    version: 7,
    sdk: sdk7,
    MockModel: MockLanguageModelV4,
    consumer: new URL('../consumer/ai-7.ts', import.meta.url),
    contextOf: (context) => ({ toolsContext: { pay_within_session: context } }),
  },
  {
    version: 6,
    sdk: sdk6,
    MockModel: MockLanguageModelV3,
    consumer: new URL('../consumer/ai-6.ts', import.meta.url),
    contextOf: (context) => ({ experimental_context: context }),
  },
]

/** Makes a model that goes through a script, one step for each call. */
export function scriptedModel({ MockModel }: Sdk, script: AgentTurn['script']): Any {
  const tool = 'pay_within_session'
  return new MockModel(
    scriptedProvider(script.map((calls) => calls.map((call) => ({ ...call, tool })))),
  )
}
