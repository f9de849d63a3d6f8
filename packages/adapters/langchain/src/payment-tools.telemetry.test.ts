import { fakePaidWorld } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { trace } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { endedSpans } from '../../../../test/adapters/spans.ts'
import { agents } from '../test/scripted-agent.ts'

// LangChain makes no OpenTelemetry spans, so the parent is the span that is active around the run.
test.each(agents)('spans nest under the span of the application in $version', async (agent) => {
  const world = fakePaidWorld({ store: (clock) => sqliteStore({ path: ':memory:', clock }) })
  const { session } = await world.openSession()
  const before = endedSpans().length
  const input = { url: world.url('paid', 'a'), purpose: 'a test' }
  await trace.getTracer('application').startActiveSpan('request', async (active) => {
    const script = [[{ id: 'call-1', input }]]
    await agent.run({ options: { session, conversation: 'chat-1' }, script })
    active.end()
  })
  await world.close()
  const spans = endedSpans().slice(before)
  const paying = spans.find(({ name }) => name === 'bursar.pay')
  const parent = spans.find((one) => one.spanContext().spanId === paying?.parentSpanContext?.spanId)
  expect(parent?.name).toBe('request')
})
