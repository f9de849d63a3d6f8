import { expect, test } from 'vitest'
import type { Session } from '../ledger/session.ts'
import {
  assertSameSession,
  hasSameSessionJson,
  parseSessionRow,
  type SessionRow,
  sessionJson,
} from './session-row.ts'

const bare: Session = {
  id: 'ses_1',
  delegation: 'del_1',
  tokenHash: 'hash',
  limits: { currency: 'USD', totalMicro: 2n ** 60n, windows: [] },
  usage: { settledMicro: 1n, heldMicro: 2n, payments: 3, windows: [] },
  repeatAfterMs: 60_000,
  createdAt: 1,
  expiresAt: 2,
}

const full: Session = {
  ...bare,
  parent: 'ses_0',
  payer: 'key_1',
  merchants: [{ host: 'shop.example' }],
  ask: { above: '1.00' },
  limits: { ...bare.limits, perPaymentMicro: 5n },
  revokedAt: 3,
  closedAt: 4,
  lockedAt: 5,
}

function rowOf(session: Session): SessionRow {
  const { id, delegation, parent = null, limits, usage, createdAt, expiresAt } = session
  const { revokedAt = null, closedAt = null, lockedAt = null } = session
  return {
    id,
    delegation,
    parent,
    totalMicro: limits.totalMicro,
    usage,
    createdAt,
    expiresAt,
    revokedAt,
    closedAt,
    lockedAt,
    json: sessionJson(session),
  }
}

test.each([
  ['with every field', full],
  ['with no optional field', bare],
])('a session %s comes back from its row', (_name, session) => {
  expect(parseSessionRow(rowOf(session))).toStrictEqual(session)
})

test('the JSON has no field that has a column', () => {
  expect(Object.keys(JSON.parse(sessionJson(full))).toSorted()).toEqual([
    'ask',
    'limits',
    'merchants',
    'payer',
    'repeatAfterMs',
    'tokenHash',
  ])
})

test('the JSON is written again only if one of its fields was replaced', () => {
  const paid = { ...full, usage: { ...full.usage, payments: 4 }, lockedAt: 6 }
  expect(hasSameSessionJson(full, paid)).toBe(true)
  expect(hasSameSessionJson(full, { ...full, limits: { ...full.limits } })).toBe(false)
  expect(hasSameSessionJson(full, { ...full, tokenHash: 'other' })).toBe(false)
})

test('a session never changes its delegation, parent, payer or time of creation', () => {
  assertSameSession(full, { ...full, expiresAt: 9, tokenHash: 'other' })
  const changes = [{ delegation: 'del_2' }, { parent: 'ses_9' }, { payer: 'key_2' }]
  for (const change of [...changes, { createdAt: 9 }]) {
    const [field] = Object.keys(change)
    expect(() => assertSameSession(full, { ...full, ...change })).toThrow(
      `The ${field} of session ses_1 can never change.`,
    )
  }
})
