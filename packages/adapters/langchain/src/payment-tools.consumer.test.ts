import { describe, expect, test } from 'vitest'
import { guardWorld } from '../../../../test/guard-world.ts'
import { buy, modelThat, told } from '../test/agent.ts'
import { existingCode, manyUsers, ownGraph } from '../test/consumer.ts'

describe('what the page shows', () => {
  test('pays within the session of each run', async () => {
    const { session } = await guardWorld()
    const state = await manyUsers(modelThat([buy('call-1')]), session)
    expect(told(state)).toMatchObject([{ status: 'paid' }])
  })

  test('pays in a graph of its own', async () => {
    const { session } = await guardWorld()
    const state = await ownGraph(modelThat([buy('call-1')]), session)
    expect(told(state)).toMatchObject([{ status: 'paid' }])
  })

  test('pays from a client that exists already, and hears a refusal as an answer', async () => {
    const price = { type: 'tool_call', name: 'price', args: {}, id: 'call-1' } as const
    const { session, chain } = await guardWorld()
    expect(told(await existingCode(modelThat([price]), session))).toEqual([{ delivered: true }])
    expect(chain.transfers()).toHaveLength(1)
    const poor = await guardWorld({ limits: { currency: 'USD', total: '0.001' } })
    const refused = await existingCode(modelThat([price]), poor.session)
    expect(told(refused)).toEqual([{ refused: 'session_limit_exceeded' }])
    expect(poor.chain.received).toEqual([])
  })
})
