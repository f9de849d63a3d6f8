import { payTool } from '../../session/tool.ts'
import { type AdapterTest, buyOnBench, codeOf, conversation } from './bench.ts'
import { findProviderFaults } from './provider-rules.ts'

/** Tests payments and their limits. */
export function testPayments({ test, expect }: AdapterTest): void {
  test('offers the model the one tool, as it is offered everywhere', async ({ world, run }) => {
    const { session } = await world.openSession()
    const { offered } = await run({ options: { session }, script: [] })
    const { name, description, inputSchema } = payTool
    expect(offered.map((tool) => [tool.name, tool.description])).toEqual([[name, description]])
    const schema = offered[0]?.inputSchema as typeof inputSchema | undefined
    expect(Object.keys(schema?.properties ?? {})).toEqual(Object.keys(inputSchema.properties))
    expect([...(schema?.required ?? [])].sort()).toEqual([...inputSchema.required].sort())
    expect(offered.flatMap(findProviderFaults)).toEqual([])
  })

  test('pays, gets what is free, and is refused, each as a result', async (bench) => {
    const { world, run } = bench
    const { session } = await world.openSession({ limits: { currency: 'USD', total: '0.015' } })
    const script = [
      [buyOnBench(world, 'paid', 'call-1')],
      [buyOnBench(world, 'free', 'call-2')],
      [buyOnBench(world, 'forbidden', 'call-3')],
      [{ id: 'call-4', input: { url: world.url('paid', 'b'), purpose: 'a test' } }],
    ]
    const { told } = await run({ options: { session, conversation }, script })
    const remaining = { amount: '0.005', currency: 'USD' }
    expect(told.length).toBe(4)
    expect(told[0]).toMatchObject({
      status: 'paid',
      receipt: { amount: '0.01', currency: 'USD' },
      remaining,
    })
    expect(told[0]?.content).toMatch(/^<untrusted-content>\n[\s\S]*\n<\/untrusted-content>$/)
    expect(told[0]?.message).toMatch(/^Paid 0\.01 USD to [^ ]+\. 0\.005 USD is left\.$/)
    expect(Object.keys(told[0]?.receipt ?? {}).sort()).toEqual([
      'amount',
      'at',
      'currency',
      'id',
      'merchant',
      'settlement',
    ])
    expect(told[1]).toMatchObject({ status: 'free', remaining })
    expect(told[2]).toMatchObject({ status: 'denied', code: 'policy_denied' })
    expect(told[3]).toMatchObject({ status: 'denied', code: 'session_limit_exceeded', remaining })
    expect(told[3]?.message).toMatch(/^Payment of 0\.01 USD is over what is left/)
    const known = ['code', 'content', 'message', 'receipt', 'remaining', 'status']
    const fields = told.flatMap((result) => Object.keys(result))
    expect(fields.filter((field) => !known.includes(field))).toEqual([])
    expect(await bench.moved()).toBe(1)
    expect(bench.warnings).toEqual([])
  })

  test('pays for ten of thirty calls at once where there is budget for ten', async (bench) => {
    const { world, run } = bench
    const { session } = await world.openSession({ limits: { currency: 'USD', total: '0.10' } })
    const calls = Array.from({ length: 30 }, (_, index) => ({
      id: `call-${index}`,
      input: { url: world.url('paid', `item-${index}`), purpose: 'a test' },
    }))
    const { told } = await run({ options: { session, conversation }, script: [calls] })
    expect(told.map(codeOf).sort()).toEqual([
      ...Array<string>(10).fill('paid'),
      ...Array<string>(20).fill('session_limit_exceeded'),
    ])
    expect(await bench.moved()).toBe(10)
    expect(await session.status()).toMatchObject({ remaining: '0.00' })
  })
}

/** Tests the results after which the model must not retry. */
export function testPaymentDoubts({ test, expect }: AdapterTest): void {
  test('says that a payment is in doubt, and does not pay it again', async (bench) => {
    const { world, run } = bench
    const { session } = await world.openSession()
    const script = [
      [buyOnBench(world, 'in_doubt', 'call-1')],
      [buyOnBench(world, 'in_doubt', 'call-2')],
    ]
    const { told } = await run({ options: { session, conversation }, script })
    expect(told.length).toBe(2)
    expect(codeOf(told[0])).toBe('in_doubt')
    // Where a framework hands no id of a call, the second one is the first one once more.
    expect(['in_doubt', 'duplicate_open'].includes(codeOf(told[1]))).toBe(true)
    for (const { message } of told) expect(message).toMatch(/not try again/i)
    expect([await bench.signed(), await bench.moved()]).toEqual([1, 0])
  })

  test('says that something paid was not delivered, and does not pay it again', async (bench) => {
    const { world, run } = bench
    const { session } = await world.openSession()
    const script = [
      [buyOnBench(world, 'undelivered', 'call-1')],
      [buyOnBench(world, 'undelivered', 'call-2')],
    ]
    const { told } = await run({ options: { session, conversation }, script })
    expect(told.map(codeOf)).toEqual(['undelivered', 'undelivered'])
    expect(told[0]?.message).toMatch(/not try again/i)
    expect([await bench.signed(), await bench.moved()]).toEqual([1, 1])
  })
}
