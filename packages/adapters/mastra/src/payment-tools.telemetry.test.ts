import { Agent } from '@mastra/core/agent'
import { Mastra } from '@mastra/core/mastra'
import { Observability } from '@mastra/observability'
import { OtelBridge } from '@mastra/otel-bridge'
import { expect, test } from 'vitest'
import { endedSpans } from '../../../../test/adapters/spans.ts'
import { guardWorld, shop } from '../../../../test/guard-world.ts'
import { scriptedModel } from '../test/scripted-model.ts'
import { paymentTools } from './payment-tools.ts'

test("spans nest under Mastra's own span of the tool, and none holds a secret", async () => {
  const { session, token, chain } = await guardWorld()
  const input = { url: shop('a'), purpose: 'a test' }
  const buyer = new Agent({
    id: 'buyer',
    name: 'Buyer',
    instructions: 'Buy it.',
    model: scriptedModel([[{ id: 'call-1', input }]]).model,
    tools: paymentTools({ session }),
  })
  const bridged = { serviceName: 'test', bridge: new OtelBridge() }
  const observability = new Observability({ configs: { default: bridged } })
  const mastra = new Mastra({ agents: { buyer }, logger: false, observability })
  await mastra.getAgent('buyer').generate('Buy it.')
  await mastra.shutdown()
  const spans = endedSpans()
  const paying = spans.find(({ name }) => name === 'bursar.pay')
  const parent = spans.find((one) => one.spanContext().spanId === paying?.parentSpanContext?.spanId)
  expect(parent?.name).toContain('pay_within_session')
  const exported = JSON.stringify(
    spans.map(({ name, attributes, events }) => [name, attributes, events]),
  )
  const [signed] = chain.received
  for (const secret of [token.slice(-43), signed?.signature ?? token]) {
    expect(exported).not.toContain(secret)
  }
})
