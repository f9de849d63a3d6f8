import { isDeepStrictEqual } from 'node:util'
import type { Delegation } from '../../ledger/delegation.ts'
import type { Change } from '../../ledger/ledger-state.ts'
import type { Content, Payment } from '../../ledger/payment.ts'
import type { Session } from '../../ledger/session.ts'
import type { Store } from '../../ports/store.ts'
import type { Bench, StoreTest } from './bench.ts'
import {
  bigMicro,
  hardText,
  plantSample,
  plantSamplePayments,
  sampleContent,
  sampleDelegation,
  sampleHashOf,
  sampleKey,
  sampleNote,
  samplePayment,
  sampleSession,
} from './samples.ts'

const fullLimits: Session['limits'] = {
  currency: 'EUR',
  totalMicro: bigMicro,
  perPaymentMicro: bigMicro - 1n,
  payments: 1_000_000,
  windows: [
    { per: 'minute', amountMicro: bigMicro - 2n },
    { per: 'utc-day', amountMicro: 7n, payments: 3 },
    { per: 'hour', payments: 4 },
  ],
  perMerchant: {
    totalMicro: bigMicro - 4n,
    payments: 6,
    windows: [
      { per: 'minute', amountMicro: 8n },
      { per: 'day', payments: 5 },
    ],
  },
}

const fullUsage: Session['usage'] = {
  settledMicro: bigMicro - 100n,
  heldMicro: 99n,
  payments: 42,
  windows: [
    [
      { index: 28_401_120, amountMicro: bigMicro - 3n, payments: 1 },
      { index: 28_401_121, amountMicro: 0n, payments: 0 },
    ],
    [],
    [{ index: 473_352, amountMicro: 5n, payments: 2 }],
  ],
}

const merchants = [
  { host: 'api.example.com', payees: [`0x${'cd'.repeat(20)}`, `0x${'ce'.repeat(20)}`] },
  { host: 'xn--bcher-kva.example:8443' },
]

const fullDelegation: Delegation = sampleDelegation({
  name: 'nightly',
  limits: fullLimits,
  usage: fullUsage,
  merchants,
  consent: { how: hardText, reference: 'form 7' },
  createdAt: 1_900_000_000_001,
  expiresAt: 1_900_000_000_002,
  revokedAt: 1_900_000_000_003,
  permission: { id: 'permission-7', state: 'not_withdrawn' },
})

const parentSession = sampleSession(fullDelegation.id)

const fullSession: Session = sampleSession(fullDelegation.id, {
  name: 'nightly',
  furtherTokenHashes: [sampleHashOf('second token'), sampleHashOf('third token')],
  parent: parentSession.id,
  payer: 'key_7',
  limits: fullLimits,
  usage: fullUsage,
  merchants,
  repeatAfterMs: 1,
  createdAt: 1_900_000_000_001,
  expiresAt: 1_900_000_000_002,
  revokedAt: 1_900_000_000_003,
  closedAt: 1_900_000_000_004,
  lockedAt: 1_900_000_000_005,
})

/** The largest atomic amount. */
const uint256 = 2n ** 256n - 1n

const sample = samplePayment(fullSession)

const reservedPayment: Payment = {
  ...sample,
  key: sampleHashOf('key'),
  terms: { ...sample.terms, atomic: uint256, amountMicro: bigMicro },
  path: '/%E6%9D%B1/a%20b',
  purpose: hardText,
  reservedAt: 1_900_000_000_001,
  tokenExpiresAt: 1_900_000_060_001,
  validBefore: 1_900_000_300,
}

const settledPayment: Payment = {
  ...reservedPayment,
  state: 'settled',
  claimedTransaction: hardText,
  claimedAt: 1_900_000_000_007,
  delivery: {
    httpStatus: 200,
    contentType: 'text/plain; charset=utf-8',
    contentSha256: sampleHashOf('body'),
    bytes: 5_000_000_000,
    truncated: true,
    delivered: false,
  },
  settledMicro: bigMicro,
  evidence: { transaction: `0x${sampleHashOf('transaction')}`, block: '99', reason: hardText },
  provenAt: 1_900_000_000_008,
}

/** Writes rows, and reads them back through a new handle. */
async function rereadNoun(
  { store, open }: Bench,
  change: Omit<Change<unknown>, 'result' | 'events'>,
): Promise<Store> {
  await store.commit({}, () => ({ ...change, result: 0, events: [sampleNote('written')] }), 'now')
  return await open()
}

/** Tests that rows come back field by field, and that absent fields stay absent. */
export function testNouns(suite: StoreTest): void {
  const { test, expect } = suite
  const expectSame = (actual: unknown, expected: unknown): void => {
    expect(actual).toEqual(expected)
    expect(isDeepStrictEqual(actual, expected)).toBe(true)
  }
  test('keeps every field of a delegation and of a session', async (bench) => {
    const store = await rereadNoun(bench, {
      delegations: [fullDelegation],
      sessions: [parentSession, fullSession],
    })
    const state = await store.read({ session: fullSession.id })
    expectSame(state.delegation, fullDelegation)
    expectSame(state.session, fullSession)
    expectSame(state.ancestors, [parentSession])
  })
  test('keeps what is absent absent', async (bench) => {
    const [delegation, key] = [sampleDelegation(), sampleHashOf('key')]
    const session = sampleSession(delegation.id)
    const payment = samplePayment(session)
    const keys = [sampleKey(session, key, {})]
    const rows = { delegations: [delegation], sessions: [session], payments: [payment], keys }
    const store = await rereadNoun(bench, rows)
    const state = await store.read({ payment: payment.id, session: session.id, key })
    expectSame(state, { session, delegation, payment, key: keys[0], ancestors: [] })
  })
  testPaymentNoun(suite, expectSame)
  testSmallNouns(suite, expectSame)
  testServiceNouns(suite, expectSame)
}

function testPaymentNoun(
  { test }: StoreTest,
  expectSame: (actual: unknown, expected: unknown) => void,
): void {
  test('keeps every field of a payment, new and in the end', async (bench) => {
    const { store, open } = bench
    await plantSample(store, fullDelegation, parentSession, fullSession)
    await plantSamplePayments(store, [reservedPayment])
    const first = await open()
    expectSame((await first.read({ payment: settledPayment.id })).payment, reservedPayment)
    await plantSamplePayments(store, [settledPayment])
    const second = await open()
    expectSame((await second.read({ payment: settledPayment.id })).payment, settledPayment)
    expectSame((await first.read({ payment: settledPayment.id })).payment, settledPayment)
  })
  test('writes a row again as a whole: what it no longer has is gone', async (bench) => {
    const { store, open } = bench
    await plantSample(store, fullDelegation, parentSession, fullSession)
    const { revokedAt: _revoked, merchants: _some, ...delegation } = fullDelegation
    const { lockedAt: _locked, closedAt: _closed, ...unlocked } = fullSession
    const { furtherTokenHashes: _tokens, ...session } = unlocked
    const narrower = { ...session, limits: { ...fullLimits, perPaymentMicro: 1n } }
    await plantSample(store, delegation, narrower)
    await plantSamplePayments(store, [settledPayment])
    const { delivery: _delivery, ...payment } = { ...settledPayment, purpose: 'another one' }
    await plantSamplePayments(store, [payment])
    const state = await (await open()).read({ payment: payment.id })
    expectSame(state.payment, payment)
    expectSame(state.delegation, delegation)
    expectSame(state.session, narrower)
  })
  test('keeps a payment that settled although its hold was released', async (bench) => {
    const { store, open } = bench
    await plantSample(store, fullDelegation, parentSession, fullSession)
    await plantSamplePayments(store, [{ ...reservedPayment, state: 'released' }])
    const over = { ...settledPayment, overrun: true }
    const spent = { settledMicro: bigMicro + 5n, heldMicro: 7n, payments: 43, windows: [] }
    const session = { ...fullSession, usage: spent, lockedAt: 9 }
    const delegation = { ...fullDelegation, usage: spent }
    const rows = { sessions: [session], delegations: [delegation], payments: [over] }
    const state = await (await rereadNoun(bench, rows)).read({ payment: over.id })
    expectSame([state.payment, state.session, state.delegation], [over, session, delegation])
    // The account may be written again while it is over its total.
    const later = { ...session, usage: { ...spent, payments: 44 } }
    await store.commit(
      {},
      () => ({ result: 0, sessions: [later], events: [sampleNote('x')] }),
      'now',
    )
    expectSame((await (await open()).read({ session: session.id })).session, later)
  })
}

function testSmallNouns(
  { test, expect }: StoreTest,
  expectSame: (actual: unknown, expected: unknown) => void,
): void {
  test('keeps keys, merchants and instruments', async (bench) => {
    const [delegation, key] = [sampleDelegation(), sampleHashOf('key')]
    const session = sampleSession(delegation.id)
    const denial = { code: 'unknown_asset', message: hardText, detail: hardText } as const
    const keys = [sampleKey(session, key, { refusals: 5, lastRefusal: denial })]
    const host = 'xn--bcher-kva.example:8443'
    const known = {
      delegation: delegation.id,
      host,
      payee: `0x${'cd'.repeat(20)}`,
      payments: 3,
      troubled: 2,
    }
    const instrument = { handle: 'alice-wallet', endUser: 'alice', registeredAt: 1_900_000_000_001 }
    const store = await rereadNoun(bench, {
      delegations: [delegation],
      sessions: [session],
      keys,
      merchants: [known],
      instruments: [instrument],
    })
    const scope = { session: session.id, key, host, instrument: instrument.handle }
    const state = await store.read(scope)
    expectSame([state.key, state.merchant, state.instrument], [keys[0], known, instrument])
    const released = { ...known, payments: 0, troubled: 1 }
    const again = await rereadNoun(bench, { merchants: [released] })
    expectSame((await again.read(scope)).merchant, released)
  })
  test('keeps the content of a response, byte by byte', async (bench) => {
    const delegation = sampleDelegation()
    const session = sampleSession(delegation.id)
    const payments = [samplePayment(session), samplePayment(session)]
    const [full, empty] = payments.map(({ id }) => id) as [string, string]
    const body = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256)
    const headers = { 'content-type': 'image/png', 'x-hard': hardText }
    const written = sampleContent(full, { status: 207, headers, body, truncated: true })
    const contents = [written, sampleContent(empty)]
    const rows = { delegations: [delegation], sessions: [session], payments, contents }
    const store = await rereadNoun(bench, rows)
    const found = (await store.content(full)) as Content
    expectSame({ ...found, body: [...found.body] }, { ...written, body: [...body] })
    expect((await store.content(empty))?.body.length).toBe(0)
    expect(await store.content('pay_unknown')).toBe(undefined)
  })
}

function testServiceNouns(
  { test, expect }: StoreTest,
  expectSame: (actual: unknown, expected: unknown) => void,
): void {
  test('keeps keys of the service, and operations', async (bench) => {
    const secrets = [{ hash: sampleHashOf('new') }, { hash: sampleHashOf('old'), expiresAt: 3 }]
    const times = { createdAt: 1_900_000_000_001, expiresAt: 1_900_000_000_002, usedAt: 7 }
    const names = { endUser: 'alice', label: hardText }
    const roles = ['end_user', 'auditor'] as const
    const full = { id: 'key_full', roles, ...names, secrets, ...times, revokedAt: 9 }
    const bare = {
      id: 'key_bare',
      roles: ['payer'] as const,
      secrets: [],
      createdAt: 1,
      expiresAt: 2,
    }
    const operation = {
      id: sampleHashOf('operation'),
      inputHash: sampleHashOf('input'),
      salt: 's',
      at: 8,
    }
    const operations = [{ ...operation, subject: 'ses_1' }]
    const store = await rereadNoun(bench, { credentials: [full, bare], operations })
    const scope = { credential: full.id, operation: operation.id }
    const state = await store.read(scope)
    expectSame([state.credential, state.operation], [full, operations[0]])
    expectSame((await store.read({ credential: bare.id })).credential, bare)
    expectSame(await store.read({ credential: 'key_none', operation: 'none' }), { ancestors: [] })
    const { revokedAt: _revoked, label: _label, ...again } = { ...full, usedAt: 8 }
    const later = await rereadNoun(bench, { credentials: [again] })
    expectSame((await later.read(scope)).credential, again)
    expectSame((await later.credentials({})).rows, [again, bare])
    const first = await later.credentials({ limit: 1 })
    expectSame((await later.credentials({ after: first.cursor })).rows, [bare])
  })
  test('gives a name to another row', async ({ store }) => {
    const name = { id: sampleHashOf('name'), inputHash: 'one', salt: '', subject: 'ses_1', at: 1 }
    const next = { ...name, inputHash: 'two', subject: 'ses_2', at: 2 }
    for (const operation of [name, next]) {
      const change = { result: undefined, operations: [operation], events: [sampleNote('named')] }
      await store.commit({ operation: name.id }, () => change, 'now')
    }
    expectSame((await store.read({ operation: name.id })).operation, next)
  })
  test('a commit knows the key and the operation that its scope names', async ({ store }) => {
    const key = { id: 'key_1', roles: ['payer'] as const, secrets: [], createdAt: 1, expiresAt: 9 }
    const operation = { id: sampleHashOf('op'), inputHash: '', salt: '', subject: 's', at: 1 }
    const scope = { credential: key.id, operation: operation.id }
    const run = () =>
      store.commit(
        scope,
        (state) => ({
          result: [state.credential, state.operation],
          ...(state.operation ? {} : { credentials: [key], operations: [operation] }),
          events: [sampleNote('seen')],
        }),
        'now',
      )
    // At once: whoever comes second sees what the first has done.
    expect(await Promise.all([run(), run()])).toEqual([
      [undefined, undefined],
      [key, operation],
    ])
  })
}
