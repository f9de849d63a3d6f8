import { fakePaidWorld } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { expect, test } from 'vitest'
import { endedSpans } from '../../../../test/adapters/spans.ts'
import { agent } from '../test/scripted-agent.ts'

test('spans nest under the tool of the AI SDK where the server is in its process', async () => {
  const world = fakePaidWorld({ store: (clock) => sqliteStore({ path: ':memory:', clock }) })
  const { session } = await world.openSession()
  const before = endedSpans().length
  const input = { url: world.url('paid', 'a'), purpose: 'a test' }
  const options = { session, conversation: 'chat-1' }
  await agent.run({ options, script: [[{ id: 'call-1', input }]] })
  await world.close()
  const spans = endedSpans().slice(before)
  const paying = spans.find(({ name }) => name === 'bursar.pay')
  const parent = spans.find((one) => one.spanContext().spanId === paying?.parentSpanContext?.spanId)
  expect(parent?.name).toBe('execute_tool pay_within_session')
})
