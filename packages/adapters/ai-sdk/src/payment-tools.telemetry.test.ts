import { fakePaidWorld } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { expect, test } from 'vitest'
import { endedSpans } from '../../../../test/adapters/spans.ts'
import { agents } from '../test/scripted-agent.ts'

const toolSpans = { 6: 'ai.toolCall', 7: 'execute_tool pay_within_session' } as const

test.each(agents)('spans nest under the tool of $loop of version $version', async (agent) => {
  const world = fakePaidWorld({ store: (clock) => sqliteStore({ path: ':memory:', clock }) })
  const { session } = await world.openSession()
  const before = endedSpans().length
  const input = { url: world.url('paid', 'a'), purpose: 'a test' }
  await agent.run({
    options: { session, conversation: 'chat-1' },
    script: [[{ id: 'call-1', input }]],
  })
  await world.close()
  const spans = endedSpans().slice(before)
  const paying = spans.find(({ name }) => name === 'bursar.pay')
  const parent = spans.find((one) => one.spanContext().spanId === paying?.parentSpanContext?.spanId)
  expect(parent?.name).toBe(toolSpans[agent.version])
  expect(JSON.stringify(parent?.attributes)).toContain('call-1')
})
