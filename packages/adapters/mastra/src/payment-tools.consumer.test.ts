import { describe, expect, test } from 'vitest'
import { guardWorld, shop } from '../../../../test/guard-world.ts'
import { existingCode, manyUsers } from '../test/consumer.ts'
import { scriptedModel } from '../test/scripted-model.ts'

describe('what the page shows', () => {
  test('pays within the session of each run', async () => {
    const { session } = await guardWorld()
    const input = { url: shop('a'), purpose: 'a test' }
    const { model, told } = scriptedModel([[{ id: 'call-1', input }]])
    await manyUsers(model, session)
    expect(told()).toMatchObject([{ status: 'paid' }])
  })

  test('pays from a client that exists already, and hears a refusal as an answer', async () => {
    const script = [[{ id: 'call-1', input: {} }]]
    const { session, chain } = await guardWorld()
    const rich = scriptedModel(script, 'price')
    await existingCode(rich.model, session)
    expect(rich.told()).toEqual([{ delivered: true }])
    expect(chain.transfers()).toHaveLength(1)
    const poor = await guardWorld({ limits: { currency: 'USD', total: '0.001' } })
    const refused = scriptedModel(script, 'price')
    await existingCode(refused.model, poor.session)
    expect(refused.told()).toEqual([{ refused: 'session_limit_exceeded' }])
    expect(poor.chain.received).toEqual([])
  })
})
