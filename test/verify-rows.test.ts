import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { PayResult } from '@bursar/core'
import { sqliteStore } from '@bursar/store-sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Verification, verifyLedger } from '../packages/core/src/audit/verify.ts'
import { guardWorld, HOST, shop } from './guard-world.ts'

const MALLORY = `0x${'bad'.padStart(40, '0')}`

/** The time after which no payload of this world is valid. */
const VALIDITY_MS = 61_000

const directory = mkdtempSync(join(tmpdir(), 'bursar-verify-'))
const busy = join(directory, 'busy.db')

let ids: Awaited<ReturnType<typeof makeBusyLedger>>
let copies = 0

beforeAll(async () => {
  ids = await makeBusyLedger(busy)
})

afterAll(() => {
  rmSync(directory, { recursive: true })
})

/** Creates a ledger with a row in every state, and every event that a session can have. */
async function makeBusyLedger(path: string) {
  const windows = [
    { per: 'hour' as const, amount: '50.00' },
    { per: 'utc-day' as const, payments: 99 },
  ]
  const limits = { currency: 'USD', total: '10.00', perPayment: '0.02', windows }
  const world = await guardWorld({
    place: path,
    limits,
    delegationLimits: { currency: 'USD', total: '90.00', windows },
    sessionMerchants: [{ host: HOST }],
    sessionAsk: { above: '0.015' },
    resource: ({ url }) => ({
      offers: [{ atomic: url.pathname.startsWith('/dear') ? 16_000n : 10_000n }],
      conduct: url.pathname.startsWith('/drops') ? 'drops' : 'honest',
    }),
  })
  const { bursar, session, clock, chain, wallet } = world
  const { management } = bursar
  const alice = bursar.endUser('alice')
  const pay = (path: string, id: string, from = session) =>
    from.pay({ url: shop(path), purpose: 'read it' }, { conversation: 'thread', id })
  const ask = async (path: string, id: string) => approvalOf(await pay(path, id))

  await pay('drops-over', '1')
  await pay('drops-away', '2')
  clock.advance(VALIDITY_MS)
  await bursar.reconcile()
  chain.settleLate(chain.received[0]?.authorization.nonce ?? '')
  await bursar.reconcile()
  await management.unlockSession(session.id, { reason: 'looked at' })

  wallet.answerNext('wallet_unavailable')
  await pay('never-signed', '3')
  await pay('settled', '4')
  await alice.approve(await ask('dear-yes', '5'))
  await pay('dear-yes', '5')
  await alice.deny(await ask('dear-no', '6'))
  await alice.approve(await ask('dear-unused', '7'))
  await ask('dear-waiting', '8')
  await bursar.reconcile()

  const child = await session.openChild({
    limits: { currency: 'USD', total: '1.00' },
    expiresIn: '5m',
  })
  await pay('by-child', '9', child.session)
  const grandchild = await child.session.openChild({
    limits: { currency: 'USD', total: '0.50' },
    expiresIn: '2m',
    merchants: [{ host: HOST }],
  })
  await pay('by-grandchild', '10', grandchild.session)
  await bursar.reconcile()
  await management.changeSession(session.id, {
    limits: { ...limits, total: '9.00', windows: [...windows, { per: 'minute', payments: 50 }] },
    expiresIn: '8h',
  })
  await pay('after-change', '11')
  await grandchild.session.close()
  await management.revokeSession(child.session.id)
  await pay('drops-open', '12')
  await pay('claimed', '13')

  const revoked = await alice.grantDelegation({
    agent: 'writer',
    instrument: 'alice-wallet',
    expiresIn: '1d',
    limits: { currency: 'USD', total: '5.00' },
    ask: { always: true },
    consent: { how: 'settings page', reference: 'form 7' },
  })
  await alice.revokeDelegation(revoked.id, { reason: 'enough' })
  expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
  const { rows } = await bursar.auditing.payments()
  await bursar.close()
  return {
    session: session.id,
    child: child.session.id,
    grandchild: grandchild.session.id,
    delegation: world.delegation,
    revoked: revoked.id,
    states: rows.map(({ state }) => state),
  }
}

function approvalOf(result: PayResult): string {
  if (result.status === 'approval_required') return result.approval.id
  throw new Error(`answered ${result.status}`)
}

/** Verifies a copy of the ledger after its file was altered. */
async function verifyTampered(sql: string): Promise<Verification> {
  copies += 1
  const path = join(directory, `${copies}.db`)
  copyFileSync(busy, path)
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false })
  const before = database.prepare('SELECT total_changes() AS changes').get()
  database.exec(sql)
  const after = database.prepare('SELECT total_changes() AS changes').get()
  database.close()
  if (sql !== '') expect(after).not.toEqual(before)
  const store = sqliteStore({ path })
  try {
    return await verifyLedger(store)
  } finally {
    await store.close()
  }
}

/** Returns the SQL that writes a field of the JSON beside a row. */
const json = (table: string, path: string, to: string): string =>
  `UPDATE ${table} SET body = json_set(body, '$.${path}', ${to})`
const claim = (path: string, to: string): string =>
  `UPDATE payment_outcomes SET claim = json_set(claim, '$.${path}', ${to})`
const state = (to: string, where: string): string =>
  `UPDATE payments SET state = '${to}' WHERE ${where}`
const withPath = (path: string): string =>
  `(SELECT payment FROM payment_terms WHERE json_extract(body, '$.path') = '/${path}')`
const one = (path: string): string => `pk = ${withPath(path)}`
const of = (path: string): string => ` WHERE payment = ${withPath(path)}`

test('a busy ledger is what its records say', async () => {
  expect(await verifyTampered('')).toMatchObject({ ok: true })
  expect(new Set(ids.states)).toEqual(new Set(['settled', 'released', 'claimed', 'in_doubt']))
})

describe('a row that was tampered with is found:', () => {
  const session = () => `id = '${ids.session}'`
  const tamperings: readonly [string, () => string, string][] = [
    [
      'session total',
      () => `UPDATE sessions SET total = 99000000 WHERE ${session()}`,
      'says limits',
    ],
    ['session expiry', () => 'UPDATE sessions SET expires_at = expires_at * 2', 'says expiresAt'],
    [
      'session per payment',
      () => `UPDATE session_terms SET body = json_remove(body, '$.limits.perPayment')`,
      'says limits',
    ],
    [
      'session window',
      () => json('session_terms', 'limits.windows[0].amount', `'99000000'`),
      'says limits',
    ],
    ['session token', () => json('session_terms', 'tokenHash', `'aa'`), 'says tokenHash'],
    ['session repeat', () => json('session_terms', 'repeatAfterMs', '0'), 'says repeatAfterMs'],
    [
      'session merchants',
      () => json('session_terms', 'merchants', `json('[{"host":"evil.example"}]')`),
      'says merchants',
    ],
    [
      'session merchants removed',
      () => `UPDATE session_terms SET body = json_remove(body, '$.merchants')`,
      'says merchants',
    ],
    [
      'session ask rule',
      () => `UPDATE session_terms SET body = json_remove(body, '$.ask')`,
      'says ask',
    ],
    ['session revival', () => 'UPDATE sessions SET revoked_at = NULL', 'says revokedAt'],
    ['session reopening', () => 'UPDATE sessions SET closed_at = NULL', 'says closedAt'],
    ['session lock', () => 'UPDATE sessions SET locked_at = 1', 'says lockedAt'],
    ['session parent', () => 'UPDATE sessions SET parent = NULL', 'says parent'],
    ['session delegation', () => 'UPDATE sessions SET delegation = 2', 'says delegation'],
    ['session age', () => 'UPDATE sessions SET created_at = created_at - 1', 'says createdAt'],
    ['session windows', () => `UPDATE sessions SET windows = '[[],[],[]]'`, 'says windows'],
    ['session held', () => 'UPDATE sessions SET held = 0', 'says settled'],
    ['session overrun forgotten', () => 'UPDATE sessions SET settled = settled - 10000', 'settled'],
    ['delegation total', () => 'UPDATE delegations SET total = total * 9', 'says limits'],
    ['delegation expiry', () => 'UPDATE delegations SET expires_at = expires_at * 2', 'expiresAt'],
    ['delegation revival', () => 'UPDATE delegations SET revoked_at = NULL', 'says revokedAt'],
    ['delegation owner', () => `UPDATE delegations SET end_user = 'mallory'`, 'says endUser'],
    ['delegation windows', () => `UPDATE delegations SET windows = '[[],[]]'`, 'says windows'],
    ['delegation agent', () => json('delegation_terms', 'agent', `'other'`), 'says agent'],
    [
      'delegation instrument',
      () => json('delegation_terms', 'instrument', `'other'`),
      'says instrument',
    ],
    ['delegation consent', () => json('delegation_terms', 'consent.how', `'x'`), 'says consent'],
    [
      'delegation merchants',
      () => json('delegation_terms', 'merchants[0].host', `'evil.example'`),
      'says merchants',
    ],
    ['payment payee', () => json('payment_terms', 'terms.payee', `'${MALLORY}'`), 'says payee'],
    ['payment host', () => json('payment_terms', 'terms.host', `'evil.example'`), 'says host'],
    ['payment atomic', () => json('payment_terms', 'terms.atomic', `'1'`), 'says atomic'],
    ['payment nonce', () => json('payment_terms', 'nonce', `'0x00'`), 'says nonce'],
    ['payment payer', () => json('payment_terms', 'payer', `'${MALLORY}'`), 'says payer'],
    ['payment key', () => `UPDATE payment_terms SET key = 'aa'`, 'says key'],
    ['payment purpose', () => json('payment_terms', 'purpose', `'x'`), 'says purpose'],
    ['payment terms hash', () => json('payment_terms', 'termsHash', `'aa'`), 'says termsHash'],
    ['payment validity', () => json('payment_terms', 'validBefore', '9999999999'), 'validBefore'],
    ['payment request', () => `UPDATE payment_terms SET request_hash = 'aa'`, 'says requestHash'],
    ['payment amount', () => 'UPDATE payments SET amount = 1', 'says amountMicro'],
    ['payment time', () => 'UPDATE payments SET reserved_at = 1', 'says reservedAt'],
    ['payment session', () => 'UPDATE payments SET session = 2', 'says session'],
    ['claimed → released', () => state('released', one('claimed')), 'says state "released"'],
    ['in doubt → settled', () => state('settled', one('drops-open')), 'says state "settled"'],
    ['released → in doubt', () => state('in_doubt', one('drops-away')), 'says state "in_doubt"'],
    ['settled → claimed', () => state('claimed', one('settled')), 'says state "claimed"'],
    ['overrun denied', () => 'UPDATE payments SET overrun = 0', 'says overrun'],
    [
      'payment settled for less',
      () => `UPDATE payment_outcomes SET settled = 1${of('settled')}`,
      'says settledMicro',
    ],
    ['payment proof removed', () => `DELETE FROM payment_outcomes${of('settled')}`, 'settledMicro'],
    [
      'payment evidence',
      () =>
        `UPDATE payment_outcomes SET evidence = json_set(evidence, '$.block', '0')${of('drops-away')}`,
      'says evidence',
    ],
    ['payment proof time', () => 'UPDATE payment_outcomes SET proven_at = 1', 'says provenAt'],
    [
      'payment claim',
      () => claim('claimedTransaction', `'0x00'`) + of('claimed'),
      'says claimedTransaction',
    ],
    [
      'payment delivery',
      () => claim('delivery.contentSha256', `'aa'`) + of('claimed'),
      'says delivery',
    ],
    [
      'payment claim removed',
      () => `DELETE FROM payment_outcomes${of('claimed')}`,
      'claimedTransaction',
    ],
    [
      'payment removed',
      () => `DELETE FROM payments WHERE ${one('claimed')}`,
      'is in the records, and not in the ledger',
    ],
    [
      'payment added',
      () => `INSERT INTO payments (id, session, delegation, state, amount, reserved_at, overrun,
          request_head) SELECT 'pay_x', session, delegation, state, amount, reserved_at, overrun,
          request_head FROM payments WHERE ${one('settled')};
        INSERT INTO payment_terms SELECT (SELECT max(pk) FROM payments), request_hash, key, body
          FROM payment_terms${of('settled')}`,
      'pay_x is in the ledger, and no record says why',
    ],
    [
      'payments all removed',
      () => 'DELETE FROM payment_terms; DELETE FROM payments',
      'is in the records, and not in the ledger',
    ],
    [
      'session removed',
      () => `DELETE FROM sessions WHERE id = '${ids.grandchild}'`,
      'is in the records, and not in the ledger',
    ],
    [
      'delegation removed',
      () => `DELETE FROM delegations WHERE id = '${ids.revoked}'`,
      'is in the records, and not in the ledger',
    ],
    [
      'no to yes',
      () => `UPDATE approvals SET state = 'approved' WHERE state = 'denied'`,
      'says state',
    ],
    [
      'yes again',
      () => `UPDATE approvals SET state = 'approved' WHERE state = 'used'`,
      'says state',
    ],
    ['approval terms', () => `UPDATE approvals SET terms_hash = 'aa'`, 'says termsHash'],
    ['approval card', () => json('approvals', 'card.amount', `'0.01'`), 'says card'],
    ['approval expiry', () => json('approvals', 'expiresAt', '9999999999999'), 'says expiresAt'],
    ['approval owner', () => `UPDATE approvals SET end_user = 'mallory'`, 'says endUser'],
    ['approval removed', () => 'DELETE FROM approvals', 'is in the records, and not in the ledger'],
    [
      'instrument owner',
      () => `UPDATE instruments SET end_user = 'mallory'`,
      'alice-wallet says endUser',
    ],
    [
      'instrument removed',
      () => 'DELETE FROM instruments',
      'alice-wallet is in the records, and not in the ledger',
    ],
  ]

  test.each(tamperings)('%s', async (_what, sql, reason) => {
    const found = await verifyTampered(sql())
    expect(found).toMatchObject({ ok: false, reason: expect.stringContaining(reason) })
    expect(found).not.toHaveProperty('seq')
  })

  test('with what it says, and what its records say', async () => {
    const sql = json('payment_terms', 'terms.payee', `'${MALLORY}'`) + of('settled')
    expect(await verifyTampered(sql)).toMatchObject({
      reason: expect.stringMatching(
        `^pay_[0-9a-f]{32} says payee "${MALLORY}", its records say "0x[0-9a-f]{40}"$`,
      ),
    })
  })
})

describe('what has no list is not checked:', () => {
  test.each([
    ['the payee that a merchant is pinned to', `UPDATE merchants SET payee = '${MALLORY}'`],
    ['keys', 'DELETE FROM keys; UPDATE payments SET key_head = NULL'],
    ['stored responses', 'DELETE FROM contents'],
  ])('%s', async (_what, sql) => {
    expect(await verifyTampered(sql)).toMatchObject({ ok: true })
  })
})
