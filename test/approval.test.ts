import type { PayResult } from '@bursar/core'
import { toModelResult } from '@bursar/core/session'
import { describe, expect, test } from 'vitest'
import { type GuardWorldOptions, guardWorld, HOST, shop } from './guard-world.ts'
import { outcome } from './sandbox-world.ts'

const key = { conversation: 'thread', id: 'call-1' }
const request = { url: shop('a?token=1'), purpose: 'read it' }

/** Opens a world in which every payment needs an approval, unless a test says otherwise. */
async function asking(options: GuardWorldOptions = {}) {
  const world = await guardWorld({ ask: { always: true }, ...options })
  const alice = world.bursar.endUser('alice')
  return { ...world, alice }
}

function approvalOf(result: PayResult) {
  if (result.status !== 'approval_required') throw new Error(`answered ${result.status}`)
  return result.approval
}

describe('asking', () => {
  test('answers with an id and a card of structured fields, and holds no budget', async () => {
    const world = await asking()
    const result = await world.session.pay(request, key)
    expect(approvalOf(result)).toEqual({
      id: expect.stringMatching(/^apr_[0-9a-f]{32}$/),
      expiresAt: new Date(world.clock() + 900_000).toISOString(),
      card: {
        amount: '0.01',
        currency: 'USD',
        merchant: HOST,
        payee: expect.stringMatching(/^0x/),
        network: 'eip155:31337',
        resource: 'GET /a',
        agent: 'researcher',
        agentSays: 'read it',
      },
    })
    expect(await world.session.status()).toMatchObject({ held: '0.00', payments: 0 })
    expect(world.wallet.requests).toEqual([])
    const told = toModelResult(result)
    expect(told).toMatchObject({ status: 'approval_required', code: 'approval_required' })
    expect(JSON.stringify(told)).not.toContain('apr_')
  })

  test('the same terms while waiting are the same approval, by any key and by a quote', async () => {
    const world = await asking()
    const first = approvalOf(await world.session.pay(request, key))
    const again = approvalOf(await world.session.pay(request, key))
    const other = approvalOf(await world.session.pay(request, { ...key, id: 'call-2' }))
    const quoted = await world.session.quote(request, key)
    expect([again.id, other.id]).toEqual([first.id, first.id])
    expect(quoted).toMatchObject({ status: 'approval_required', approval: { id: first.id } })
    const { rows } = await world.bursar.auditing.read()
    expect(rows.filter(({ event }) => event.type === 'approval-requested')).toHaveLength(1)
  })

  test('the agent’s words are on one line, and without what cannot be seen', async () => {
    const world = await asking()
    const purpose = `pay\u202e\u200b\nAPPROVED by admin\u2066${'x'.repeat(500)}`
    const { card } = approvalOf(await world.session.pay({ ...request, purpose }))
    expect(card.agentSays).toMatch(/^pay APPROVED by admin x+$/)
    expect(card.agentSays.length).toBeLessThanOrEqual(200)
    const long = await world.session.pay({ ...request, url: shop(`${'y'.repeat(600)}/é`) })
    expect(approvalOf(long).card.resource).toMatch(/^GET \/y+$/)
    expect(approvalOf(long).card.resource.length).toBeLessThanOrEqual(160)
  })

  test.each<[string, GuardWorldOptions, string]>([
    ['above an amount', { ask: { above: '0.009' } }, 'approval_required'],
    ['not at the amount', { ask: { above: '0.01' } }, 'paid'],
    ['first payment', { ask: { firstPayment: true } }, 'approval_required'],
    ['by the session', { ask: {}, sessionAsk: { always: true } }, 'approval_required'],
    ['what the delegation leaves open', { ask: {}, merchants: 'none' }, 'approval_required'],
    ['nothing', { ask: {} }, 'paid'],
  ])('asks: %s', async (_name, options, expected) => {
    const world = await asking(options)
    expect(outcome(await world.session.pay(request))).toBe(expected)
  })

  test('the first payment to a merchant asks, the next to the same payee does not', async () => {
    const world = await asking({ ask: { firstPayment: true } })
    const { id } = approvalOf(await world.session.pay(request))
    await world.alice.approve(id)
    expect(outcome(await world.session.pay(request))).toBe('paid')
    expect(outcome(await world.session.pay({ ...request, url: shop('b') }))).toBe('paid')
  })

  test('the rule is there to be seen by whoever may see the account', async () => {
    const world = await asking({ ask: { above: '0.5' }, sessionAsk: { always: true } })
    expect((await world.alice.delegations()).rows).toMatchObject([{ ask: { above: '0.50' } }])
    expect((await world.alice.sessions()).rows).toMatchObject([{ ask: { always: true } }])
  })

  test('a new payee at a known host is a new merchant', async () => {
    const [first, second] = [`0x${'1'.repeat(40)}`, `0x${'2'.repeat(40)}`]
    const world = await asking({
      ask: { firstPayment: true },
      merchants: [{ host: HOST, payees: [first, second] }],
      resource: ({ url }) => ({
        offers: [{ payee: url.pathname === '/second' ? second : first }],
      }),
    })
    const { id } = approvalOf(await world.session.pay(request))
    await world.alice.approve(id)
    expect(outcome(await world.session.pay(request))).toBe('paid')
    expect(outcome(await world.session.pay({ ...request, url: shop('b') }))).toBe('paid')
    expect(outcome(await world.session.pay({ ...request, url: shop('second') }))).toBe(
      'approval_required',
    )
  })

  test('what is refused anyway is not asked about', async () => {
    const world = await asking({ limits: { currency: 'USD', total: '0.009' } })
    expect(outcome(await world.session.pay(request))).toBe('session_limit_exceeded')
    expect((await world.alice.approvals()).rows).toEqual([])
  })

  test('nobody is worn down: waiting approvals are bounded in number and in rate', async () => {
    const world = await asking()
    const ask = (path: string) => world.session.pay({ url: shop(path), purpose: '' })
    const outcomes: string[] = []
    for (let index = 0; index < 12; index += 1) outcomes.push(outcome(await ask(`${index}`)))
    expect(outcomes.filter((one) => one === 'approval_required')).toHaveLength(10)
    expect(outcomes.at(-1)).toBe('request_rate_exceeded')
    for (let round = 0; round < 3; round += 1) {
      for (const { id } of (await world.alice.approvals({ waiting: true })).rows) {
        await world.alice.deny(id)
      }
      for (let index = 0; index < 12; index += 1) await ask(`${round}-${index}`)
    }
    expect((await world.alice.approvals()).rows).toHaveLength(30)
  })

  test('a session asks no more by opening children', async () => {
    const world = await asking()
    const outcomes: string[] = []
    for (let index = 0; index < 12; index += 1) {
      const limits = { currency: 'USD', total: '0.10' }
      const { session } = await world.session.openChild({ limits, expiresIn: '10m' })
      outcomes.push(outcome(await session.pay({ url: shop(`${index}`), purpose: '' })))
    }
    const waits = Array.from({ length: 10 }, () => 'approval_required')
    expect(outcomes).toEqual([...waits, 'request_rate_exceeded', 'request_rate_exceeded'])
    const sibling = await world.bursar.management.createSession({
      delegation: world.delegation,
      expiresIn: '10m',
      limits: { currency: 'USD', total: '0.10' },
    })
    const other = world.bursar.openSession(sibling.token)
    expect(outcome(await other.pay(request))).toBe('approval_required')
    expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true })
  })
})

describe('a yes', () => {
  test('lets exactly these terms go on, once', async () => {
    const world = await asking()
    const { id } = approvalOf(await world.session.pay(request, key))
    expect(await world.alice.approve(id)).toMatchObject({ id, state: 'approved' })
    expect(outcome(await world.session.pay(request, key))).toBe('paid')
    // A read waits for the claim, which is written soon after its answer.
    await world.session.status()
    world.clock.advance(60_000)
    const next = approvalOf(await world.session.pay(request, { ...key, id: 'call-2' }))
    expect(next.id).not.toBe(id)
    expect(world.chain.transfers()).toHaveLength(1)
    const { rows } = await world.bursar.auditing.read()
    const types = rows.map(({ event }) => event.type)
    expect(types.filter((type) => type.startsWith('approval-'))).toEqual([
      'approval-requested',
      'approval-granted',
      'approval-used',
      'approval-requested',
    ])
    expect(await world.alice.approvals()).toMatchObject({
      rows: [{ state: 'used' }, { state: 'waiting' }],
    })
  })

  test('is used once, however many calls race for it', async () => {
    const world = await asking({ repeatAfter: '1s' })
    const { id } = approvalOf(await world.session.pay(request))
    await world.alice.approve(id)
    const results = await Promise.all(Array.from({ length: 10 }, () => world.session.pay(request)))
    // A call that comes after the payment returns that payment.
    const receipts = results.flatMap((one) =>
      one.status === 'paid' ? [one.receipt.paymentId] : [],
    )
    expect(new Set(receipts).size).toBe(1)
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('is not for other terms: a price that was raised after it asks again', async () => {
    let atomic = 10_000n
    const world = await asking({ resource: () => ({ offers: [{ atomic }] }) })
    const { id } = approvalOf(await world.session.pay(request, key))
    await world.alice.approve(id)
    atomic = 20_000n
    const swapped = approvalOf(await world.session.pay(request, key))
    expect(swapped).toMatchObject({ card: { amount: '0.02' } })
    expect(swapped.id).not.toBe(id)
    expect(world.wallet.requests).toEqual([])
  })

  test('is not for another session, nor given by another person', async () => {
    const world = await asking()
    const { id } = approvalOf(await world.session.pay(request, key))
    await expect(world.bursar.endUser('bob').approve(id)).rejects.toMatchObject({
      code: 'approval_unknown',
    })
    await expect(world.alice.approve('apr_unknown')).rejects.toMatchObject({
      code: 'approval_unknown',
    })
    await world.alice.approve(id)
    const { token } = await world.bursar.management.createSession({
      delegation: world.delegation,
      expiresIn: '10m',
      limits: { currency: 'USD', total: '1.00' },
    })
    const other = world.bursar.openSession(token)
    expect(outcome(await other.pay(request, key))).toBe('approval_required')
    expect((await world.bursar.endUser('bob').approvals()).rows).toEqual([])
  })

  test('twice is once; after its end, or its session’s, it is refused', async () => {
    const world = await asking()
    const first = approvalOf(await world.session.pay(request, key))
    await world.alice.approve(first.id)
    await world.alice.approve(first.id)
    world.clock.advance(900_000)
    expect(outcome(await world.session.pay(request, key))).toBe('approval_expired')
    const second = approvalOf(await world.session.pay({ ...request, url: shop('b') }))
    await world.session.close()
    await expect(world.alice.approve(second.id)).rejects.toMatchObject({ code: 'session_revoked' })
  })

  test('ends with the session and the delegation, where those end sooner', async () => {
    const world = await asking()
    world.clock.advance(29 * 60_000)
    const { expiresAt } = approvalOf(await world.session.pay(request, key))
    expect(Date.parse(expiresAt) - world.clock()).toBe(60_000)
  })

  test('may be taken back until it is used', async () => {
    const world = await asking()
    const { id } = approvalOf(await world.session.pay(request, key))
    await world.alice.approve(id)
    await world.alice.deny(id)
    expect(outcome(await world.session.pay(request, key))).toBe('approval_denied')
    await expect(world.alice.approve(id)).rejects.toMatchObject({ code: 'approval_denied' })
  })

  test('does not lift any other limit', async () => {
    const world = await asking({ limits: { currency: 'USD', total: '0.015' } })
    const first = approvalOf(await world.session.pay(request, key))
    const second = approvalOf(await world.session.pay({ ...request, url: shop('b') }))
    await world.alice.approve(first.id)
    await world.alice.approve(second.id)
    expect(outcome(await world.session.pay(request, key))).toBe('paid')
    expect(outcome(await world.session.pay({ ...request, url: shop('b') }))).toBe(
      'session_limit_exceeded',
    )
  })
})

describe('a no, or silence', () => {
  test('a no is the answer until the session ends, without a new quote', async () => {
    const world = await asking()
    const { id } = approvalOf(await world.session.pay(request, key))
    await world.alice.deny(id, { reason: 'too dear' })
    await world.alice.deny(id)
    expect(outcome(await world.session.pay(request, key))).toBe('approval_denied')
    const asked = world.merchant.requests.length
    expect(outcome(await world.session.pay(request, key))).toBe('approval_denied')
    expect(world.merchant.requests).toHaveLength(asked)
    expect(outcome(await world.session.pay(request, { ...key, id: 'call-2' }))).toBe(
      'approval_denied',
    )
  })

  test('silence is the answer of its key; another call may ask again', async () => {
    const world = await asking()
    const { id } = approvalOf(await world.session.pay(request, key))
    world.clock.advance(900_000)
    await expect(world.alice.approve(id)).rejects.toMatchObject({ code: 'approval_expired' })
    expect(outcome(await world.session.pay(request, key))).toBe('approval_expired')
    const other = approvalOf(await world.session.pay(request, { ...key, id: 'call-2' }))
    expect(other.id).not.toBe(id)
    expect(outcome(await world.session.pay(request, key))).toBe('approval_expired')
    expect(await world.alice.approvals({ waiting: true })).toMatchObject({
      rows: [{ id: other.id, state: 'waiting' }],
    })
  })
})

describe('finding an approval', () => {
  test('by the key of the call that asked', async () => {
    const world = await asking()
    const { id } = approvalOf(await world.session.pay(request, key))
    const call = { session: world.session.id, ...key }
    expect(await world.alice.approvalOf(call)).toMatchObject({ id, state: 'waiting' })
    expect(await world.alice.approvalOf({ ...call, id: 'call-2' })).toBeUndefined()
    expect(await world.alice.approvalOf({ ...call, id: '' })).toBeUndefined()
    expect(await world.bursar.endUser('bob').approvalOf(call)).toBeUndefined()
  })
})

test.each([{ above: '-1' }, { above: 1 }, { always: false }, { sometimes: true }])(
  'a rule %j is refused',
  async (ask) => {
    await expect(asking({ ask: ask as never })).rejects.toMatchObject({ code: 'invalid_input' })
  },
)
