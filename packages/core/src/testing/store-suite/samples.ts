import { createHash } from 'node:crypto'
import type { AuditEvent } from '../../ledger/audit-event.ts'
import type { Delegation } from '../../ledger/delegation.ts'
import type { Change, LedgerState } from '../../ledger/ledger-state.ts'
import type { Content, KeyRecord, Payment } from '../../ledger/payment.ts'
import type { Session } from '../../ledger/session.ts'
import { addHoldToLimits, findLimitExcesses, type Limits, noUsage } from '../../money/limits.ts'
import type { Store } from '../../ports/store.ts'
import { newId } from '../../primitives/id.ts'

/** An amount beyond the exact integers of a double, as in budgets of large installations. */
export const bigMicro: bigint = 2n ** 59n + 1n

/** A text that is hard to store: two scripts, both directions, quotes, a null, half a character. */
export const hardText: string = `Zoë – 東京 🧾 \u202eabc\u202c 'a' "b" \\ \n\t\u0000 \ud83d`

/** Returns a hash in the format of core's own hashes. */
export function sampleHashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export function sampleLimits(totalMicro: bigint): Limits {
  return { currency: 'USD', totalMicro, windows: [] }
}

/** A delegation without optional fields. */
export function sampleDelegation(some: Partial<Delegation> = {}): Delegation {
  return {
    id: newId('del'),
    endUser: 'alice',
    agent: 'researcher',
    instrument: 'alice-wallet',
    limits: sampleLimits(bigMicro),
    usage: noUsage,
    consent: { how: 'settings page' },
    createdAt: 1,
    expiresAt: Date.UTC(2040, 0, 1),
    ...some,
  }
}

/** A session without optional fields. */
export function sampleSession(delegation: string, some: Partial<Session> = {}): Session {
  const id = newId('ses')
  return {
    id,
    delegation,
    tokenHash: sampleHashOf(id),
    limits: sampleLimits(bigMicro),
    usage: noUsage,
    repeatAfterMs: 60_000,
    createdAt: 1,
    expiresAt: Date.UTC(2040, 0, 1),
    ...some,
  }
}

/** Creates a payment that was just reserved, for a request of its own unless a hash is given. */
export function samplePayment(
  session: Session,
  some: Partial<Payment> = {},
  requestHash?: string,
): Payment {
  const id = some.id ?? newId('pay')
  return {
    id,
    session: session.id,
    delegation: session.delegation,
    endUser: 'alice',
    instrument: 'alice-wallet',
    state: 'reserved',
    terms: {
      rail: 'x402',
      scheme: 'exact',
      network: 'eip155:8453',
      asset: `0x${'ab'.repeat(20)}`,
      currency: 'USD',
      atomic: 10_000n,
      amountMicro: 10_000n,
      payee: `0x${'cd'.repeat(20)}`,
      host: 'api.example.com',
      requestHash: requestHash ?? sampleHashOf(`request of ${id}`),
    },
    termsHash: sampleHashOf(`terms of ${id}`),
    payer: `0x${'ef'.repeat(20)}`,
    nonce: `0x${sampleHashOf(`nonce of ${id}`)}`,
    path: '/report',
    purpose: 'the report',
    tokenHash: sampleHashOf(`token of ${id}`),
    reservedAt: 2,
    tokenExpiresAt: 60_002,
    validBefore: 300,
    overrun: false,
    ...some,
  }
}

export function sampleKey(session: Session, key: string, some: Partial<KeyRecord>): KeyRecord {
  return { session: session.id, key, requestHash: sampleHashOf('request'), refusals: 0, ...some }
}

export function sampleContent(payment: string, some: Partial<Content> = {}): Content {
  return { payment, status: 200, headers: {}, body: new Uint8Array(), truncated: false, ...some }
}

/** Creates a record for a change, marked by `reason`. */
export function sampleNote(reason: string): AuditEvent {
  return { type: 'session-locked', session: 'ses', delegation: 'del', reason }
}

/** Returns the reasons of `note` records, in their order. */
export function sampleReasonsOf(bodies: readonly { readonly body: string }[]): readonly unknown[] {
  return bodies.map(({ body }) => (JSON.parse(body) as { reason?: unknown }).reason)
}

/** Writes a delegation and sessions within it. */
export async function plantSample(
  store: Store,
  delegation: Delegation,
  ...sessions: readonly Session[]
): Promise<void> {
  const events = [sampleNote('planted')]
  await store.commit({}, () => ({ result: 0, delegations: [delegation], sessions, events }), 'now')
}

/** Writes payments as they are, without a hold. */
export async function plantSamplePayments(
  store: Store,
  payments: readonly Payment[],
): Promise<void> {
  await store.commit({}, () => ({ result: 0, payments, events: [sampleNote('planted')] }), 'now')
}

/** The outcome of a reservation. */
export type Reserved = 'reserved' | 'over' | 'pinned'

/** Reserves as the core does: writes the hold, the payment and its key, or nothing if the amount doesn't fit. */
export function reserveSample(
  amountMicro: bigint,
  key?: string,
): (state: LedgerState, now: number) => Change<Reserved> {
  return (state, now) => {
    const { session, delegation } = state
    if (!session || !delegation) throw new Error('The scope brings a session and its delegation.')
    if (state.key?.payment !== undefined) return { result: 'pinned', events: [] }
    const accounts = [session, delegation]
    const isOver = accounts.some(
      ({ limits, usage }) => findLimitExcesses(limits, usage, amountMicro, now).length > 0,
    )
    if (isOver) return { result: 'over', events: [sampleNote('over')] }
    const held = <Account extends Session | Delegation>(account: Account): Account => ({
      ...account,
      usage: addHoldToLimits(account.limits, account.usage, amountMicro, now),
    })
    const sample = samplePayment(session, {
      reservedAt: now,
      ...(key === undefined ? {} : { key }),
    })
    const payment = { ...sample, terms: { ...sample.terms, amountMicro } }
    return {
      result: 'reserved',
      sessions: [held(session)],
      delegations: [held(delegation)],
      payments: [payment],
      keys: key === undefined ? [] : [sampleKey(session, key, { payment: payment.id })],
      events: [sampleNote('reserved')],
    }
  }
}

/** Returns a promise's error. Returns undefined if it resolved. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  return undefined
}

/** Returns the code of a promise's error. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  const error = await failureOf(promise)
  return error instanceof Error && 'code' in error ? error.code : error
}
