import { PaymentSession } from '../../session/payment-session.ts'
import type { ToolCallsOptions } from '../../session/tool-calls.ts'
import { type AdapterTest, buyOnBench, codeOf, conversation } from './bench.ts'

/** Tests values in place of a session. None of them pays. */
const impostors: readonly [string, (session: PaymentSession) => unknown, RegExp][] = [
  ['nothing', () => undefined, /the one for a call is nothing/],
  [
    'a plain object',
    ({ id }) => ({ id, pay: () => undefined }),
    /the one for a call is no PaymentSession/,
  ],
  ['a clone', (session) => structuredClone(session), /the one for a call is no PaymentSession/],
  [
    'its JSON',
    (session) => JSON.parse(JSON.stringify(session)),
    /the one for a call is no PaymentSession/,
  ],
  [
    'an heir',
    () => Object.create(PaymentSession.prototype),
    /the one for a call is no PaymentSession/,
  ],
]

/** Tests how a call finds its session, and which contexts are refused. */
export function testContexts({ test, expect }: AdapterTest): void {
  const sessionOfContext = (context: unknown) => (context as { payer: PaymentSession }).payer

  test('finds the session and the conversation in the server-side context', async (bench) => {
    const { world, run } = bench
    const [alice, other] = [await world.openSession(), await world.openSession()]
    const options: ToolCallsOptions = {
      session: async (context) => sessionOfContext(context),
      conversation: (context) => `chat of ${sessionOfContext(context).id}`,
    }
    for (const { session: payer } of [alice, other]) {
      const script = [[buyOnBench(world, 'paid', 'call-1', { purpose: payer.id })]]
      const { told } = await run({ options, context: { payer }, script })
      expect(told.map(codeOf)).toEqual(['paid'])
      expect(await payer.status()).toMatchObject({ remaining: '0.99' })
    }
    expect(await bench.moved()).toBe(2)
  })

  for (const [what, impostor, warning] of impostors) {
    test(`pays nothing where the context holds ${what}`, async (bench) => {
      const { world, run, warnings } = bench
      const { session } = await world.openSession()
      const { told } = await run({
        options: { session: sessionOfContext, conversation },
        context: { payer: impostor(session) },
        // A session that a model names in its arguments is ignored.
        script: [[buyOnBench(world, 'paid', 'call-1', { session: session.id, payer: session.id })]],
      })
      expect(told).toEqual([
        {
          status: 'denied',
          code: 'session_unknown',
          message: 'There is no payment session for this call. Do not try again. Tell the user.',
        },
      ])
      expect(await bench.signed()).toBe(0)
      expect(warnings.length).toBe(1)
      expect(warnings[0]).toMatch(warning)
    })
  }

  test('tells the operator alone why the session could not be found', async (bench) => {
    const { world, run, warnings } = bench
    const session = () => Promise.reject(new Error('canary: the database is down'))
    const script = [[buyOnBench(world, 'paid', 'call-1')]]
    const failed = await run({ options: { session, conversation }, script })
    expect(failed.told.map(codeOf)).toEqual(['session_unknown'])
    expect((await failed.everything()).includes('canary')).toBe(false)
    expect(warnings[0]).toMatch(/canary: the database is down/)
  })

  test('pays nothing for a call whose conversation cannot be named', async (bench) => {
    const { world, run, warnings } = bench
    const { session } = await world.openSession()
    const script = [[buyOnBench(world, 'paid', 'call-1')]]
    const { told } = await run({ options: { session, conversation: () => '' }, script })
    expect(told.map(codeOf)).toEqual(['failed'])
    expect(await bench.signed()).toBe(0)
    expect(warnings[0]).toMatch(/conversation: gave an empty text/)
  })
}
