import { BursarError, type PaymentSession, type ToolChallenge } from '@bursar/core'
import {
  fakeAsset,
  fakeChallenge,
  fakeClaimHeader,
  fakePayee,
  readFakePayload,
} from '@bursar/core/testing'
import { describe, expect, test } from 'vitest'
import { type GuardWorld, type GuardWorldOptions, guardWorld, HOST } from './guard-world.ts'

/** The tests of payments whose callers send the request themselves: `prove` and `conclude`. */

const key = { conversation: 'thread', id: 'call' }
const listed = [{ host: HOST, payees: [fakePayee] }]

function world(options: GuardWorldOptions = {}): Promise<GuardWorld> {
  return guardWorld({ sessionMerchants: listed, ...options })
}

const offer = {
  scheme: 'exact',
  network: fakeAsset.network,
  asset: fakeAsset.address,
  atomic: 10_000n,
  payee: fakePayee,
  validForSeconds: 60,
}

function challenge(
  changed: Partial<ToolChallenge> & { readonly atomic?: bigint; readonly payee?: string } = {},
): ToolChallenge {
  const { atomic = 10_000n, payee = fakePayee, ...rest } = changed
  const { body } = fakeChallenge([{ ...offer, atomic, payee }])
  const data: unknown = JSON.parse(new TextDecoder().decode(body))
  return {
    server: HOST,
    tool: 'search',
    arguments: { q: 'ledgers', n: 3 },
    message: { error: { code: 402, message: 'pay', data } },
    ...rest,
  }
}

async function signedCall(
  session: PaymentSession,
  given: ToolChallenge,
): Promise<{ readonly paymentId: string; readonly payload: Readonly<Record<string, unknown>> }> {
  const result = await session.prove(given, key)
  if (result.status === 'signed') return result
  throw new Error(`${result.status}: ${result.message}`)
}

/** Returns the answer of an honest server to a payload, which it settles. */
function served({ chain }: GuardWorld, payload: Readonly<Record<string, unknown>>): unknown {
  const signed = readFakePayload(payload as Record<string, string>)
  if (!signed) throw new Error('There is no proof.')
  chain.receive(signed)
  const settlement = chain.submit(signed)
  const transaction = settlement.settled ? settlement.transfer.transaction : '0x00'
  const { nonce } = signed.authorization
  const _meta = fakeClaimHeader({ outcome: 'settled', nonce, transaction })
  return { result: { content: [{ type: 'text', text: 'found it' }], _meta } }
}

describe('prove', () => {
  test('signs for a listed payee what the server asks for, and conclude tells what came', async () => {
    const all = await world()
    const { paymentId, payload } = await signedCall(all.session, challenge())
    expect(await all.session.status()).toMatchObject({ held: '0.01' })
    const result = await all.session.conclude(paymentId, served(all, payload))
    expect(result).toMatchObject({ status: 'paid', receipt: { paymentId, merchant: HOST } })
    const body = 'response' in result ? result.response?.body : undefined
    expect(new TextDecoder().decode(body)).toBe('{"content":[{"type":"text","text":"found it"}]}')
    expect(all.chain.transfers()).toHaveLength(1)
  })

  test.each([
    ['lists no merchants', undefined],
    ['lists the host without payees', [{ host: HOST }]],
    ['lists payees of another host', [{ host: 'other.example', payees: [fakePayee] }]],
  ])('signs nothing where the session %s', async (_what, sessionMerchants) => {
    const all = await guardWorld({
      ...(sessionMerchants ? { sessionMerchants } : {}),
      merchants: [...listed, { host: 'other.example' }],
    })
    expect(await all.session.prove(challenge(), key)).toMatchObject({
      status: 'denied',
      code: 'merchant_not_allowed',
    })
    expect(all.wallet.requests).toHaveLength(0)
  })

  test('signs nothing for another payee', async () => {
    const all = await world()
    const other = challenge({ payee: `0x${'bad'.padStart(40, '0')}` })
    expect(await all.session.prove(other, key)).toMatchObject({ code: 'merchant_not_allowed' })
    expect(all.wallet.requests).toHaveLength(0)
  })

  test('gives the same key the same proof until it is concluded, and then its payment', async () => {
    const all = await world()
    const first = await signedCall(all.session, challenge())
    // The merchant asks for other terms by now, but the payment's terms are fixed.
    const dearer = challenge({ atomic: 20_000n, arguments: { n: 3, q: 'ledgers' } })
    expect(await signedCall(all.session, dearer)).toEqual(first)
    expect(all.wallet.requests).toHaveLength(1)
    await all.session.conclude(first.paymentId, served(all, first.payload))
    expect(await all.session.prove(dearer, key)).toMatchObject({ status: 'paid' })
    expect(all.wallet.requests).toHaveLength(1)
  })

  test('signs once for a key that is asked many times at once', async () => {
    const all = await world()
    const results = await Promise.all(
      Array.from({ length: 10 }, () => all.session.prove(challenge(), key)),
    )
    expect(new Set(results.map((one) => JSON.stringify(one))).size).toBe(1)
    expect(all.wallet.requests).toHaveLength(1)
  })

  test('denies other arguments under the same key, and the same call under another', async () => {
    const all = await world()
    await signedCall(all.session, challenge())
    const other = challenge({ arguments: { q: 'other' } })
    expect(await all.session.prove(other, key)).toMatchObject({ code: 'key_conflict' })
    const call = { conversation: 'thread', id: 'call-2' }
    expect(await all.session.prove(challenge(), call)).toMatchObject({ code: 'duplicate_open' })
    expect(await all.session.prove(challenge())).toMatchObject({ code: 'duplicate_open' })
  })

  test('keeps the limits of the session, many at once', async () => {
    const all = await world({ limits: { currency: 'USD', total: '0.05' } })
    const results = await Promise.all(
      Array.from({ length: 20 }, (_one, n) => all.session.prove(challenge({ arguments: { n } }))),
    )
    expect(results.filter(({ status }) => status === 'signed')).toHaveLength(5)
    expect(all.wallet.requests).toHaveLength(5)
  })

  test('asks a human for the exact call, and signs after the yes', async () => {
    const all = await world({ sessionAsk: { above: '0.001' } })
    const asked = await all.session.prove(challenge(), key)
    if (asked.status !== 'approval_required') throw new Error(asked.status)
    expect(asked.approval.card).toMatchObject({ resource: 'CALL /search' })
    await all.bursar.endUser('alice').approve(asked.approval.id)
    const other = challenge({ arguments: { q: 'swapped' } })
    expect(await all.session.prove(other)).toMatchObject({ status: 'approval_required' })
    await signedCall(all.session, challenge())
  })

  test.each([
    ['is no challenge', { result: { content: [] } }],
    ['is nothing', undefined],
    ['is too long', { error: { data: 'x'.repeat(70_000) } }],
  ])('signs nothing where the message %s', async (_what, message) => {
    const all = await world()
    expect(await all.session.prove(challenge({ message }), key)).toMatchObject({
      status: 'denied',
    })
    expect(all.wallet.requests).toHaveLength(0)
  })

  test.each([
    ['a server with a path', { server: 'shop.example/x' }],
    ['a tool that is not visible', { tool: 'a\u202eb' }],
    ['arguments without JSON', { arguments: { n: 1n } }],
  ])('refuses %s', async (_what, changed) => {
    const all = await world()
    expect(await all.session.prove(challenge(changed), key)).toMatchObject({
      code: 'request_not_allowed',
    })
  })

  test('signs nothing once the session has ended', async () => {
    const all = await world()
    await all.bursar.management.revokeSession(all.session.id)
    expect(await all.session.prove(challenge(), key)).toMatchObject({ code: 'session_revoked' })
  })
})

describe('conclude', () => {
  test.each([
    ['nothing', undefined],
    ['an answer without a claim', { result: { content: [] } }],
    ['a second challenge', 'again'],
  ])(
    'leaves the payment in doubt after %s, and its key is not signed for again',
    async (_what, answer) => {
      const all = await world()
      const { paymentId } = await signedCall(all.session, challenge())
      const message = answer === 'again' ? challenge().message : answer
      expect(await all.session.conclude(paymentId, message)).toMatchObject({ status: 'in_doubt' })
      expect(await all.session.prove(challenge(), key)).toMatchObject({ status: 'in_doubt' })
      expect(await all.session.status()).toMatchObject({ held: '0.01' })
      expect(all.wallet.requests).toHaveLength(1)
    },
  )

  test('says that a tool which failed after it was paid has delivered nothing', async () => {
    const all = await world()
    const { paymentId, payload } = await signedCall(all.session, challenge())
    const { result } = served(all, payload) as { readonly result: object }
    const failed = { result: { ...result, isError: true } }
    expect(await all.session.conclude(paymentId, failed)).toMatchObject({ status: 'undelivered' })
  })

  test('is heard after the session has ended', async () => {
    const all = await world()
    const { paymentId, payload } = await signedCall(all.session, challenge())
    await all.bursar.management.revokeSession(all.session.id)
    expect(await all.session.conclude(paymentId, served(all, payload))).toMatchObject({
      status: 'paid',
    })
  })

  test('counts once: afterwards the payment answers as it stands', async () => {
    const all = await world()
    const { paymentId, payload } = await signedCall(all.session, challenge())
    await all.session.conclude(paymentId, served(all, payload))
    expect(await all.session.conclude(paymentId, undefined)).toMatchObject({ status: 'paid' })
  })

  test('knows only payments of its own session, and only proofs of its own process', async () => {
    const all = await world()
    const { paymentId } = await signedCall(all.session, challenge())
    const child = await all.session.openChild({
      expiresIn: '5m',
      limits: { currency: 'USD', total: '0.10' },
    })
    const unknown = child.session.conclude(paymentId, { result: {} })
    await expect(unknown).rejects.toSatisfy(BursarError.isInstance)
    const elsewhere = all.reopen().openSession(all.token)
    expect(await elsewhere.prove(challenge(), key)).toMatchObject({ status: 'in_progress' })
    expect(await elsewhere.conclude(paymentId, { result: {} })).toMatchObject({
      status: 'in_progress',
    })
  })

  test('never called → proof says what became of the payment', async () => {
    const all = await world()
    const { payload } = await signedCall(all.session, challenge())
    served(all, payload)
    all.clock.advance(61_000)
    expect(await all.bursar.reconcile()).toMatchObject({ settled: 1 })
    expect(await all.session.status()).toMatchObject({ held: '0.00', settled: '0.01' })
  })

  test('no proof is in the ledger or the audit trail', async () => {
    const all = await world()
    const { paymentId, payload } = await signedCall(all.session, challenge())
    await all.session.conclude(paymentId, served(all, payload))
    const signed = readFakePayload(payload as Record<string, string>)
    const { rows } = await all.store.audit({})
    const content = await all.store.content(paymentId)
    const kept = JSON.stringify([rows, new TextDecoder().decode(content?.body)])
    expect(kept).toContain('payment-claimed')
    expect(kept).not.toContain(signed?.signature)
  })
})
