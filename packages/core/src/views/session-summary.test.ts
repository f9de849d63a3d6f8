import { describe, expect, test } from 'vitest'
import type { Delegation } from '../ledger/delegation.ts'
import type { LedgerState } from '../ledger/ledger-state.ts'
import type { Session } from '../ledger/session.ts'
import { type Limits, noUsage } from '../money/limits.ts'
import { summarizeSession } from './session-summary.ts'

const NOW = Date.UTC(2030, 0, 1)
const limits: Limits = { currency: 'USD', totalMicro: 1_000_000n, windows: [] }
const usage = { ...noUsage, settledMicro: 50_000n, heldMicro: 10_000n, payments: 3 }

const session: Session = {
  id: 'ses_1',
  delegation: 'del_1',
  tokenHash: 'ab'.repeat(32),
  limits,
  usage,
  merchants: [{ host: 'shop.example', payees: [`0x${'5e'.repeat(20)}`] }],
  repeatAfterMs: 60_000,
  createdAt: NOW,
  expiresAt: NOW + 1_000,
}

const delegation: Delegation = {
  id: 'del_1',
  endUser: 'alice',
  agent: 'researcher',
  instrument: 'alice-wallet',
  limits: { ...limits, totalMicro: 100_000_000n },
  usage,
  consent: { how: 'settings page' },
  createdAt: NOW,
  expiresAt: NOW + 10_000,
}

function ledger(some: Partial<LedgerState> = {}): LedgerState {
  return { session, ancestors: [], delegation, ...some }
}

const child: Session = { ...session, id: 'ses_2', parent: 'ses_1', usage: noUsage }

describe('a session', () => {
  test('is summed up without its token, or the hash of it', () => {
    const summary = summarizeSession(ledger(), NOW)
    expect(summary).toEqual({
      id: 'ses_1',
      delegation: 'del_1',
      state: 'open',
      merchants: session.merchants,
      createdAt: '2030-01-01T00:00:00.000Z',
      expiresAt: '2030-01-01T00:00:01.000Z',
      limits: { currency: 'USD', total: '1.00' },
      settled: '0.05',
      held: '0.01',
      remaining: '0.94',
      payments: 3,
    })
  })

  test.each<[string, Partial<Session>, number]>([
    ['open', {}, NOW + 999],
    ['expired', {}, NOW + 1_000],
    ['revoked', { revokedAt: NOW }, NOW],
    ['revoked', { closedAt: NOW }, NOW],
    ['locked', { lockedAt: NOW }, NOW],
    ['expired', { lockedAt: NOW }, NOW + 1_000],
    ['revoked', { revokedAt: NOW, lockedAt: NOW }, NOW + 1_000],
  ])('is %s: %j', (state, change, now) => {
    const own = ledger({ session: { ...session, ...change } })
    expect(summarizeSession(own, now).state).toBe(state)
    const below = ledger({ session: child, ancestors: [{ ...session, ...change }] })
    expect(summarizeSession(below, now)).toMatchObject({ state, parent: 'ses_1' })
  })

  test.each<[string, Partial<Delegation>]>([
    ['revoked', { revokedAt: NOW }],
    ['expired', { expiresAt: NOW }],
  ])('is %s with its delegation: %j', (state, change) => {
    const ended = ledger({ delegation: { ...delegation, ...change } })
    expect(summarizeSession(ended, NOW).state).toBe(state)
  })

  test('has no more left than any account that it draws from', () => {
    const spent = { ...noUsage, settledMicro: 99_999_999n }
    const below = ledger({ session: child, ancestors: [session] })
    expect(summarizeSession(below, NOW)).toMatchObject({ settled: '0.00', remaining: '0.94' })
    const poor = ledger({ session: child, delegation: { ...delegation, usage: spent } })
    expect(summarizeSession(poor, NOW).remaining).toBe('0.000001')
  })

  test('whose money moved after its hold was released has less than nothing left', () => {
    const over = { ...session, usage: { ...usage, settledMicro: 1_500_000n, heldMicro: 0n } }
    expect(summarizeSession(ledger({ session: over }), NOW).remaining).toBe('-0.50')
  })

  test('without a list of merchants has none in its summary', () => {
    const { merchants: _none, ...open } = session
    expect(summarizeSession(ledger({ session: open }), NOW)).not.toHaveProperty('merchants')
  })
})
