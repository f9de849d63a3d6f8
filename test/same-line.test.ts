import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MastraModelConfig } from '@mastra/core/llm'
import { MockLanguageModelV4 } from 'ai/test'
import { FakeToolCallingModel } from 'langchain'
import { expect, test } from 'vitest'
import * as aiSdk from './adapters/same-line/ai-sdk.ts'
import * as langChain from './adapters/same-line/langchain.ts'
import * as mastra from './adapters/same-line/mastra.ts'
import { scriptedProvider } from './adapters/scripted-provider.ts'
import { root } from './check/command.ts'
import { type GuardWorld, guardWorld, shop } from './guard-world.ts'

/** The line of the README that makes the tools: only its import differs between frameworks. */

const input = { url: shop('a'), purpose: 'a test' }
const tool = 'pay_within_session'
const model = () => new MockLanguageModelV4(scriptedProvider([[{ id: 'call-1', tool, input }]]))
const calls = [[{ type: 'tool_call' as const, id: 'call-1', name: tool, args: input }], []]

const frameworks: readonly [string, (world: GuardWorld) => Promise<void>][] = [
  ['ai-sdk', ({ bursar, token }) => aiSdk.run(model(), bursar, token)],
  [
    'langchain',
    ({ bursar, token }) =>
      langChain.run(new FakeToolCallingModel({ toolCalls: calls }), bursar, token),
  ],
  [
    'mastra',
    ({ bursar, token }) => mastra.run(model() as unknown as MastraModelConfig, bursar, token),
  ],
]

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

test.each(frameworks)('the line of the README pays with @bursar/%s', async (name, run) => {
  const line = /^ +(tools: paymentTools\(.+\)),$/m.exec(read('README.md'))?.[1]
  const source = read(`test/adapters/same-line/${name}.ts`)
  expect(line).toBeDefined()
  expect(source).toContain(`  ${line},\n`)
  expect(source).toContain(`import { paymentTools } from '@bursar/${name}'\n`)
  const world = await guardWorld()
  await run(world)
  expect(world.chain.transfers()).toHaveLength(1)
})
