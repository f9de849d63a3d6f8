import { denialCodes } from '../../ledger/denial.ts'
import { MAX_PAGE } from '../../ports/store.ts'
import { BursarError } from '../../primitives/errors.ts'
import type { PayResult } from '../../session/pay-result.ts'
import { PaymentSession } from '../../session/payment-session.ts'
import { toModelResult } from '../../session/tool.ts'
import { type AdapterTest, type Bench, buyOnBench, codeOf, conversation } from './bench.ts'

/** Tests refusals and their messages. */
export function testRefusals(suite: AdapterTest): void {
  testRefusalTexts(suite)
  testRefusedArguments(suite)
  testRefusalAfterEnd(suite)
}

function testRefusalTexts({ test, expect }: AdapterTest): void {
  test('tells every denial as a result, and goes on', async ({ world, run }) => {
    const denied = denialCodes
      .filter((code) => code !== 'approval_required')
      .map((code) => ({ status: 'denied', code, message: `It was ${code}.` }) as const)
    const { told } = await run({
      options: { session: answeringRefusals(denied), conversation },
      script: denied.map(({ code }) => [buyOnBench(world, 'paid', `call-${code}`)]),
    })
    expect(told).toEqual(denied)
  })

  test('tells every other answer without a payment as a result', async ({ world, run }) => {
    const remaining = { amount: '0.99', currency: 'USD' }
    const answers: PayResult[] = [
      { status: 'in_progress', paymentId: 'pay_canary-of-a-payment', message: 'It is paid now.' },
      {
        status: 'in_doubt',
        paymentId: 'pay_canary-of-a-payment',
        remaining,
        message: 'Who knows.',
      },
      { status: 'failed', code: 'wallet_unavailable', remaining, message: 'No wallet.' },
      { status: 'failed', message: 'No answer.' },
    ]
    const run1 = await run({
      options: { session: answeringRefusals(answers), conversation },
      script: answers.map((_, index) => [buyOnBench(world, 'paid', `call-${index}`)]),
    })
    expect(run1.told).toEqual(answers.map((answer) => toModelResult(answer)))
    expect((await run1.everything()).includes('canary-of-a-payment')).toBe(false)
  })

  test('tells the model of a failed guard without its cause', async ({ world, run, warnings }) => {
    const session = answeringRefusals(
      [],
      new BursarError('store_failed', 'canary: the disk is full'),
    )
    const script = [[buyOnBench(world, 'paid', 'call-1')]]
    const failed = await run({ options: { session, conversation }, script })
    expect(failed.told.map(codeOf)).toEqual(['failed'])
    expect(failed.told[0]?.message).toMatch(/whether anything was paid is not known/)
    expect((await failed.everything()).includes('canary')).toBe(false)
    expect(warnings.length).toBe(1)
    expect(warnings[0]).toMatch(/store_failed: canary: the disk is full/)
  })
}

function testRefusedArguments({ test, expect }: AdapterTest): void {
  const bad: readonly [string, unknown][] = [
    ['a URL that is a number', { url: 7, purpose: 'a test' }],
    ['a list', []],
    ['a relative URL', { url: '/quote', purpose: 'a test' }],
    ['a method that is not taken', { url: 'https://shop.example/', method: 'TRACE', purpose: 'x' }],
    [
      'an amount that is no decimal',
      { url: 'https://shop.example/', purpose: 'x', maxAmount: '1e3' },
    ],
  ]
  for (const [what, input] of bad) {
    test(`refuses ${what} as a result`, async (bench) => {
      const { session } = await bench.world.openSession()
      const script = [[{ id: 'call-1', input }]]
      const { told } = await bench.run({ options: { session, conversation }, script })
      expect(told.map(codeOf)).toEqual(['request_not_allowed'])
      expect(await bench.signed()).toBe(0)
    })
  }

  test('ignores and records what the tool does not take', async ({ world, run }) => {
    const { session, id, auditing } = await world.openSession()
    const headers = { authorization: 'Bearer x', 'x-payment': 'forged' }
    const call = buyOnBench(world, 'paid', 'call-1', {
      headers,
      session: 'ses_other',
      budget: '1000.00',
    })
    const { told } = await run({ options: { session, conversation }, script: [[call]] })
    expect(told.map(codeOf)).toEqual(['paid'])
    const { rows } = await auditing.read({ limit: MAX_PAGE })
    const ignored = rows.flatMap(({ event }) =>
      'ignoredArguments' in event && event.session === id ? [event.ignoredArguments] : [],
    )
    expect(ignored).toEqual([['headers', 'session', 'budget']])
  })

  test('holds maxAmount against the price', async ({ world, run, signed }) => {
    const { session } = await world.openSession()
    const call = buyOnBench(world, 'paid', 'call-1', { maxAmount: '0.009' })
    const { told } = await run({ options: { session, conversation }, script: [[call]] })
    expect(told.map(codeOf)).toEqual(['payment_limit_exceeded'])
    expect(await signed()).toBe(0)
  })
}

function testRefusalAfterEnd({ test, expect }: AdapterTest): void {
  const refused = async ({ world, run, signed }: Bench, session: PaymentSession, code: string) => {
    const script = [[buyOnBench(world, 'paid', 'call-1')], [buyOnBench(world, 'paid', 'call-2')]]
    const { told } = await run({ options: { session, conversation }, script })
    expect(told.map(codeOf)).toEqual([code, code])
    expect(await signed()).toBe(0)
  }

  test('pays nothing in a session that was revoked', async (bench) => {
    const { session, id, management } = await bench.world.openSession()
    await management.revokeSession(id)
    await refused(bench, session, 'session_revoked')
  })

  test('pays nothing in a session that was closed', async (bench) => {
    const { session } = await bench.world.openSession()
    await session.close()
    await refused(bench, session, 'session_revoked')
  })

  test('pays nothing in a session that has expired', async (bench) => {
    const { session } = await bench.world.openSession()
    await bench.world.advance(8 * 3_600_000)
    await refused(bench, session, 'session_expired')
  })

  test('pays nothing once the end user has withdrawn the permission', async (bench) => {
    const { session, delegation, endUser } = await bench.world.openSession()
    await endUser.revokeDelegation(delegation)
    await refused(bench, session, 'delegation_revoked')
  })

  test('pays no merchant that is not allowed, and none that cannot be understood', async (bench) => {
    const { world, run, signed } = bench
    const { session } = await world.openSession()
    const elsewhere = { url: 'https://elsewhere.example/a', purpose: 'a test' }
    const script = [
      [{ id: 'call-1', input: elsewhere }],
      [buyOnBench(world, 'malformed', 'call-2')],
    ]
    const { told } = await run({ options: { session, conversation }, script })
    expect(told.map(codeOf)).toEqual(['merchant_not_allowed', 'challenge_invalid'])
    expect(await signed()).toBe(0)
  })
}

/** Creates a session that gives these answers, one for each call, or throws. */
function answeringRefusals(answers: readonly PayResult[], failure?: Error): PaymentSession {
  const left = [...answers]
  const unused = () => Promise.reject(new Error('unused'))
  return new PaymentSession('ses_1', {
    pay: async () => {
      const answer = left.shift()
      if (failure || !answer) throw failure ?? new Error('There is no answer left.')
      return answer
    },
    quote: unused,
    prove: unused,
    conclude: unused,
    status: unused,
    close: unused,
    openChild: unused,
  })
}
