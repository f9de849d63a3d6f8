import { Command, MemorySaver } from '@langchain/langgraph'
import { createAgent, humanInTheLoopMiddleware } from 'langchain'
import { describe, expect, test } from 'vitest'
import {
  type GuardWorld,
  type GuardWorldOptions,
  guardWorld,
} from '../../../../test/guard-world.ts'
import {
  answer,
  buy,
  dearIf,
  go,
  modelThat,
  passing,
  questions,
  retrying,
  stubborn,
  thread,
  told,
} from '../test/agent.ts'
import { paymentTools } from './payment-tools.ts'

const required = { status: 'approval_required', code: 'approval_required' }

/**
 * Runs an agent until a question for each of its calls stops it, and checks that nothing is signed.
 */
async function stopped(
  options: Partial<Parameters<typeof createAgent>[0]> = {},
  calls = [buy('call-1')],
  worldOptions: GuardWorldOptions = { ask: { always: true } },
) {
  const world = await guardWorld(worldOptions)
  const checkpointer = new MemorySaver()
  const make = () =>
    createAgent({
      model: modelThat(calls),
      tools: paymentTools({ session: world.session }),
      checkpointer,
      ...options,
    })
  const agent = make()
  const state = await agent.invoke(go, thread)
  expect(world.chain.received).toEqual([])
  const resume = (value: unknown, other = agent) =>
    other.invoke(new Command({ resume: value }), thread)
  return { world, state, resume, make }
}

function signed({ chain }: GuardWorld): number {
  return chain.received.length
}

describe('the question', () => {
  test('names the call and the approval, and nothing that the guard alone can say', async () => {
    const { world, state } = await stopped()
    const { rows } = await world.bursar.endUser('alice').approvals({ waiting: true })
    expect(questions(state)).toMatchObject([
      {
        value: {
          tool: 'pay_within_session',
          call: 'call-1',
          approval: rows[0]?.id,
          expiresAt: '2030-01-01T00:15:00.000Z',
        },
      },
    ])
    expect(questions(state)[0]?.value).not.toHaveProperty('card')
  })

  test('is answered in the guard, and the run goes on in another process', async () => {
    const { world, resume, make } = await stopped()
    await answer(world, 'approve')
    expect(told(await resume(true, make()))).toMatchObject([{ status: 'paid' }])
    expect(signed(world)).toBe(1)
  })

  test.each([
    ['yes', { approved: true }],
    ['an approval of the middleware', { decisions: [{ type: 'approve' }] }],
    ['the id of the approval', 'apr_'],
    ['nothing', null],
    ['an empty text', ''],
  ])('comes again where the graph is resumed with %s alone', async (_what, value) => {
    const { world, state, resume } = await stopped()
    const id = questions(state)[0]?.id ?? ''
    const again = await resume({ [id]: value })
    expect(questions(again)).toMatchObject([{ value: questions(state)[0]?.value as object }])
    expect(told(again)).toEqual([])
    await answer(world, 'approve')
    expect(told(await resume(true))).toMatchObject([{ status: 'paid' }])
    expect(signed(world)).toBe(1)
  })

  test('is given up in the end: the model is told, and nothing is paid', async () => {
    const { world, state, resume } = await stopped()
    let last: object = state
    for (let time = 0; questions(last).length > 0; time += 1) {
      if (time > 20) throw new Error('It asks for ever.')
      last = await resume('yes')
    }
    expect(told(last as typeof state)).toMatchObject([required])
    expect(signed(world)).toBe(0)
  })

  test.each([false, { approved: false }])(
    'answered with %j pays nothing, whatever was recorded',
    async (value) => {
      const { world, state, resume } = await stopped()
      await answer(world, 'approve')
      const id = questions(state)[0]?.id ?? ''
      expect(told(await resume({ [id]: value }))).toMatchObject([
        { status: 'denied', code: 'approval_denied' },
      ])
      expect(signed(world)).toBe(0)
    },
  )

  test('of each call of one task comes after the other', async () => {
    const calls = [buy('call-1', 'a'), buy('call-2', 'b')]
    const { world, state, resume } = await stopped({ version: 'v1' }, calls)
    expect(questions(state)).toMatchObject([{ value: { call: 'call-1' } }])
    await answer(world, 'approve', 'a')
    const second = await resume(true)
    expect(questions(second)).toMatchObject([{ value: { call: 'call-2' } }])
    await answer(world, 'deny', 'b')
    expect(told(await resume(true))).toMatchObject([
      { status: 'paid' },
      { status: 'denied', code: 'approval_denied' },
    ])
    expect(signed(world)).toBe(1)
  })

  const middlewares = retrying ? [stubborn, retrying] : [stubborn]
  test.each(middlewares)('that the middleware $name swallows is a result', async (middleware) => {
    for (const version of ['v1', 'v2'] as const) {
      const { world, state, resume } = await stopped({ middleware: [middleware], version })
      expect(questions(state)).toEqual([])
      expect(told(state)).toMatchObject([required])
      expect(JSON.stringify(state)).not.toContain('payee')
      await answer(world, 'approve')
      expect(signed(world)).toBe(0)
      await expect(resume(true)).resolves.toBeDefined()
      expect(signed(world)).toBe(0)
    }
  })

  test('passes through a middleware that wraps tools', async () => {
    const { world, state, resume } = await stopped({ middleware: [passing] })
    expect(questions(state)).toHaveLength(1)
    await answer(world, 'approve')
    expect(told(await resume(true))).toMatchObject([{ status: 'paid' }])
  })
})

describe('beside humanInTheLoopMiddleware', () => {
  const everyTime = humanInTheLoopMiddleware({ interruptOn: { pay_within_session: true } } as never)
  const middleware = [everyTime as unknown as typeof passing]
  const decide = (...decisions: object[]) => ({ decisions })

  test('an approval of the middleware leads to the question of the guard', async () => {
    const { world, state, resume } = await stopped({ middleware })
    expect(questions(state)).toMatchObject([{ value: { actionRequests: [{}] } }])
    const asked = await resume(decide({ type: 'approve' }))
    expect(questions(asked)).toMatchObject([{ value: { tool: 'pay_within_session' } }])
    expect(signed(world)).toBe(0)
    await answer(world, 'approve')
    expect(told(await resume(true))).toMatchObject([{ status: 'paid' }])
    expect(signed(world)).toBe(1)
  })

  test('an edit is judged like any other request', async () => {
    const edited = (args: object) =>
      decide({
        type: 'edit',
        editedAction: { name: 'pay_within_session', args: { purpose: 'edited', ...args } },
      })
    const limits = { currency: 'USD', total: '1.00', perPayment: '0.01' } as const
    const options = { limits, resource: dearIf('dear') }
    const cases: [object, object][] = [
      [{ url: 'https://shop.example/dear', maxAmount: '9.00' }, { code: 'payment_limit_exceeded' }],
      [{ url: 'https://elsewhere.example/a' }, { code: 'merchant_not_allowed' }],
      [{ url: 'https://shop.example/b' }, { status: 'paid' }],
    ]
    for (const [args, outcome] of cases) {
      const { resume } = await stopped({ middleware }, [buy('call-1')], options)
      expect(told(await resume(edited(args)))).toMatchObject([outcome])
    }
  })

  test('a rejection pays nothing', async () => {
    const { world, resume } = await stopped({ middleware }, [buy('call-1')], {})
    await resume(decide({ type: 'reject', message: 'No.' }))
    expect(signed(world)).toBe(0)
  })

  test('a mixed answer pays no call that was rejected', async () => {
    const calls = [buy('call-1', 'a'), buy('call-2', 'b')]
    const { world, resume } = await stopped({ middleware }, calls, {})
    await resume(decide({ type: 'approve' }, { type: 'reject', message: 'No.' }))
    expect(world.merchant.requests.filter(({ url }) => url.pathname === '/b')).toEqual([])
    expect(signed(world)).toBeLessThanOrEqual(1)
  })

  test('switched off by a context, it leaves the question of the guard', async () => {
    const world = await guardWorld({ ask: { always: true } })
    const agent = createAgent({
      model: modelThat([buy('call-1')]),
      tools: paymentTools({ session: world.session }),
      checkpointer: new MemorySaver(),
      middleware,
    })
    const context = { interruptOn: { pay_within_session: false } }
    const state = await agent.invoke(go, { ...thread, context } as never)
    expect(questions(state)).toMatchObject([{ value: { tool: 'pay_within_session' } }])
    expect(signed(world)).toBe(0)
  })
})
