import { OpenTelemetry } from '@ai-sdk/otel'
import { registerTelemetry } from 'ai'
import { afterEach, expect, test } from 'vitest'
import { endedSpans, exported } from '../../../../test/adapters/spans.ts'
import { payingClients } from '../test/clients.ts'
import { type HttpListener, listenHttp } from '../test/http-listener.ts'
import { toolWorld } from '../test/tool-world.ts'

registerTelemetry(new OpenTelemetry())

let listener: HttpListener | undefined
afterEach(() => listener?.close())

const ofTheSdk = payingClients.filter(({ name }) => name.startsWith('the AI SDK'))

test.each(ofTheSdk)('spans nest under the tool of $name, and hold no proof', async (client) => {
  const before = endedSpans().length
  const world = await toolWorld()
  listener = await listenHttp(world.makeServer)
  await client.run(world, listener.url, [{ id: 'call-1', tool: 'quote', input: { q: 'ACME' } }])
  const spans = endedSpans().slice(before)
  const tool = spans.find(({ name }) => name === 'execute_tool quote')
  expect(tool).toBeDefined()
  for (const name of ['bursar.prove', 'bursar.conclude']) {
    const [own, ...others] = spans.filter((span) => span.name === name)
    expect(others).toEqual([])
    expect(own?.parentSpanContext?.spanId).toBe(tool?.spanContext().spanId)
  }
  const said = JSON.stringify(spans.map(exported))
  const [{ signature = '' } = {}] = world.chain.received
  expect(signature).not.toBe('')
  for (const secret of [signature, world.token]) expect(said).not.toContain(secret)
})
