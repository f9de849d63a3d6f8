import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AuditEvent } from '../ledger/audit-event.ts'
import { type AuditRecord, auditRecord, GENESIS_HASH, recordHash } from '../ledger/audit-record.ts'
import type { Delegation } from '../ledger/delegation.ts'
import type { Scope } from '../ledger/ledger-state.ts'
import type { Payment } from '../ledger/payment.ts'
import type { Session } from '../ledger/session.ts'
import { formatAmount } from '../money/amount.ts'
import { noUsage, type Usage } from '../money/limits.ts'
import type { Page, PageRequest, Store } from '../ports/store.ts'
import { verifyLedger } from './verify.ts'

const AT = Date.UTC(2030, 0, 1)
const limits = { currency: 'USD', total: '100.00' }

/** The side of a store that verification reads, in pages of two, and what a test does to it. */
interface Ledger {
  records: AuditRecord[]
  sessions: Session[]
  delegations: Delegation[]
  payments: Payment[]
  /** Called before each read: payments may go on meanwhile. */
  onRead: (what: 'records' | 'accounts') => void
}

const PAGE = 2

function storeOf(ledger: Ledger): Store {
  const page = async <Row>(rows: readonly Row[], { after }: PageRequest): Promise<Page<Row>> => {
    const start = Number(after ?? 0)
    const found = rows.slice(start, start + PAGE)
    return { rows: found, ...(found.length === 0 ? {} : { cursor: `${start + found.length}` }) }
  }
  const reading = <Rows>(rows: () => Rows, what: 'records' | 'accounts' = 'accounts'): Rows => {
    ledger.onRead(what)
    return structuredClone(rows())
  }
  const parts: Partial<Record<keyof Store, unknown>> = {
    audit: (request: PageRequest) =>
      page(
        reading(() => ledger.records, 'records'),
        request,
      ),
    sessions: (_filter: object, request: PageRequest) =>
      page(
        reading(() => ledger.sessions),
        request,
      ),
    delegations: (_filter: object, request: PageRequest) =>
      page(
        reading(() => ledger.delegations),
        request,
      ),
    payments: (_filter: object, request: PageRequest) =>
      page(
        reading(() => ledger.payments),
        request,
      ),
    approvals: (_filter: object, request: PageRequest) => page([], request),
    credentials: (request: PageRequest) => page([], request),
    read: async (scope: Scope) =>
      reading(() => ({
        ancestors: [],
        session: ledger.sessions.find(({ id }) => id === scope.session),
        delegation: ledger.delegations.find(({ id }) => id === scope.delegation),
        payment: ledger.payments.find(({ id }) => id === scope.payment),
        instrument: { handle: scope.instrument, endUser: 'alice', registeredAt: AT },
      })),
  }
  return parts as unknown as Store
}

function write(ledger: Ledger, ...events: readonly AuditEvent[]): void {
  for (const event of events) {
    ledger.records.push(auditRecord(ledger.records.at(-1), AT + ledger.records.length, event))
  }
}

const granted = (delegation: string): AuditEvent => ({
  type: 'delegation-granted',
  delegation,
  endUser: 'alice',
  agent: 'researcher',
  instrument: 'alice-wallet',
  limits,
  consent: { how: 'test' },
  expiresAt: AT,
})
const created = (session: string, delegation: string, parent?: string): AuditEvent => ({
  type: 'session-created',
  session,
  ...(parent === undefined ? {} : { parent }),
  delegation,
  endUser: 'alice',
  agent: 'researcher',
  tokenHash: `hash of ${session}`,
  limits,
  repeatAfterMs: 0,
  expiresAt: AT,
})

/** The rows that these two make; `createdAt` is the time of the record that made the row. */
const rowLimits = { currency: 'USD', totalMicro: 100_000_000n, windows: [] }

const delegationRow = (id: string, seq: number, spent: Usage): Delegation => ({
  id,
  endUser: 'alice',
  agent: 'researcher',
  instrument: 'alice-wallet',
  limits: rowLimits,
  usage: spent,
  consent: { how: 'test' },
  createdAt: AT + seq - 1,
  expiresAt: AT,
})

const sessionRow = (id: string, seq: number, spent: Usage, parent?: string): Session => ({
  id,
  ...(parent === undefined ? {} : { parent }),
  delegation: 'del_1',
  tokenHash: `hash of ${id}`,
  limits: rowLimits,
  usage: spent,
  repeatAfterMs: 0,
  createdAt: AT + seq - 1,
  expiresAt: AT,
})

type Movement = 'payment-reserved' | 'payment-released' | 'payment-settled'

function moved(type: Movement, micro: bigint, more: object = {}, session = 'ses_1'): AuditEvent {
  const subject = {
    payment: 'pay_1',
    session,
    delegation: 'del_1',
    amount: formatAmount(micro),
    ...(type === 'payment-reserved' ? { atomic: `${micro}` } : { reason: 'proof', block: '7' }),
    ...(type === 'payment-settled' ? { settled: formatAmount(micro), overrun: false } : {}),
    ...more,
  }
  return { type, ...subject } as unknown as AuditEvent
}

/** Records a reservation, and adds its payment. What is not about money is left out of both. */
function reserve(ledger: Ledger, id: string, micro: bigint, session = 'ses_1'): void {
  write(ledger, moved('payment-reserved', micro, { payment: id }, session))
  const row = {
    id,
    session,
    delegation: 'del_1',
    state: 'reserved',
    terms: { atomic: micro, amountMicro: micro },
    reservedAt: ledger.records.at(-1)?.at,
    overrun: false,
  }
  ledger.payments.push(row as unknown as Payment)
}

/** Records what became of a payment, and writes it into its row. */
function conclude(
  ledger: Ledger,
  type: 'payment-released' | 'payment-settled',
  id: string,
  change: Partial<Payment> = {},
): void {
  const index = ledger.payments.findIndex((one) => one.id === id)
  const { session, terms, ...row } = ledger.payments[index] as Payment
  const { settledMicro = terms.amountMicro, overrun = false } = change
  const more = type === 'payment-settled' ? { settled: formatAmount(settledMicro), overrun } : {}
  write(
    ledger,
    moved(type, terms.amountMicro, { payment: id, evidence: 'proof', ...more }, session),
  )
  ledger.payments[index] = {
    ...row,
    session,
    terms,
    state: type === 'payment-settled' ? 'settled' : 'released',
    ...(type === 'payment-settled' ? { settledMicro, overrun } : {}),
    provenAt: ledger.records.at(-1)?.at ?? 0,
    evidence: { block: '7', reason: 'proof' },
  }
}

const usage = (settledMicro: bigint, heldMicro: bigint, payments: number): Usage => ({
  ...noUsage,
  settledMicro,
  heldMicro,
  payments,
})

/** Ten records: three payments of two sessions; one settled, one released, one open. */
function ledger(): Ledger {
  const made: Ledger = {
    records: [],
    delegations: [
      delegationRow('del_1', 2, usage(50_000n, 10_000n, 2)),
      delegationRow('del_2', 3, noUsage),
    ],
    sessions: [
      sessionRow('ses_1', 4, usage(50_000n, 0n, 1)),
      sessionRow('ses_2', 5, usage(0n, 10_000n, 1)),
    ],
    payments: [],
    onRead: () => undefined,
  }
  write(
    made,
    { type: 'instrument-registered', instrument: 'alice-wallet', endUser: 'alice' },
    granted('del_1'),
    granted('del_2'),
    created('ses_1', 'del_1'),
    created('ses_2', 'del_1'),
  )
  reserve(made, 'pay_1', 50_000n)
  reserve(made, 'pay_2', 20_000n)
  conclude(made, 'payment-released', 'pay_2')
  conclude(made, 'payment-settled', 'pay_1')
  reserve(made, 'pay_3', 10_000n, 'ses_2')
  return made
}

/** An account with another usage. */
function set(bad: Ledger, id: string, to: Usage): void {
  bad.sessions = bad.sessions.map((one) => (one.id === id ? { ...one, usage: to } : one))
  bad.delegations = bad.delegations.map((one) => (one.id === id ? { ...one, usage: to } : one))
}

/** A row with the hash that its new contents and its place need. */
function rehashed(records: readonly AuditRecord[], index: number, change: Partial<AuditRecord>) {
  const row = { ...(records[index] as AuditRecord), ...change }
  const previous = records[index - 1]?.hash ?? GENESIS_HASH
  return { ...row, hash: recordHash(previous, row.seq, row.at, row.body) }
}

describe('a whole trail', () => {
  test('is verified, and its head is told', async () => {
    const whole = ledger()
    const last = whole.records.at(-1)
    expect(await verifyLedger(storeOf(whole))).toEqual({
      ok: true,
      records: 10,
      head: { seq: 10, hash: last?.hash },
    })
  })

  test('that is empty is whole', async () => {
    const rows = { records: [], sessions: [], delegations: [], payments: [] }
    const empty: Ledger = { ...rows, onRead: () => undefined }
    expect(await verifyLedger(storeOf(empty))).toEqual({ ok: true, records: 0, head: undefined })
  })

  test('has every record that was kept as head, at any time', async () => {
    for (const { seq, hash } of ledger().records) {
      expect(await verifyLedger(storeOf(ledger()), { seq, hash })).toMatchObject({ ok: true })
    }
  })
})

describe('the first bad record is named when one row', () => {
  const positions = ledger().records.map((_, index) => index)
  const changes: readonly [string, (row: AuditRecord) => Partial<AuditRecord>][] = [
    ['another body', ({ body }) => ({ body: body.replace('"type"', '"type" ') })],
    ['another session', ({ body }) => ({ body: `${body.slice(0, -1)},"session":"ses_9"}` })],
    ['another time', ({ at }) => ({ at: at + 1 })],
    ['another hash', () => ({ hash: 'f'.repeat(64) })],
    ['no hash', () => ({ hash: '' })],
    ['a body that is no JSON', () => ({ body: '{' })],
  ]

  test.each(changes)('has %s', async (_what, change) => {
    for (const position of positions) {
      const bad = ledger()
      const row = bad.records[position] as AuditRecord
      bad.records[position] = { ...row, ...change(row) }
      expect(await verifyLedger(storeOf(bad))).toMatchObject({ ok: false, seq: position + 1 })
    }
  })

  test('has another body and the hash for it', async () => {
    for (const position of positions.slice(0, -1)) {
      const bad = ledger()
      const body = `${bad.records[position]?.body.slice(0, -1)},"reason":"x"}`
      bad.records[position] = rehashed(bad.records, position, { body })
      expect(await verifyLedger(storeOf(bad))).toMatchObject({ ok: false, seq: position + 2 })
    }
  })

  test('has another number', async () => {
    for (const position of positions) {
      for (const seq of [0, -1, position, position + 2, position + 100]) {
        const bad = ledger()
        bad.records[position] = rehashed(bad.records, position, { seq })
        expect(await verifyLedger(storeOf(bad))).toMatchObject({ ok: false, seq })
      }
    }
  })

  test('is removed', async () => {
    for (const position of positions.slice(0, -1)) {
      const bad = ledger()
      bad.records.splice(position, 1)
      expect(await verifyLedger(storeOf(bad))).toEqual({
        ok: false,
        seq: position + 2,
        reason: `record ${position + 1} is missing before it`,
      })
    }
  })

  test('is removed, and those behind it are numbered anew', async () => {
    for (const position of positions.slice(0, -1)) {
      const bad = ledger()
      bad.records.splice(position, 1)
      bad.records = bad.records.map((row, index) => ({ ...row, seq: index + 1 }))
      expect(await verifyLedger(storeOf(bad))).toMatchObject({ ok: false, seq: position + 1 })
    }
  })

  test('stands there twice', async () => {
    for (const position of positions) {
      const bad = ledger()
      bad.records.splice(position, 0, bad.records[position] as AuditRecord)
      expect(await verifyLedger(storeOf(bad))).toEqual({
        ok: false,
        seq: position + 1,
        reason: `record ${position + 2} should stand in its place`,
      })
    }
  })

  test('is added, in any place and with a hash that fits it', async () => {
    for (const position of positions) {
      const bad = ledger()
      bad.records.splice(position, 0, { seq: position + 1, at: AT, body: '{"type":"x"}', hash: '' })
      bad.records[position] = rehashed(bad.records, position, {})
      expect(await verifyLedger(storeOf(bad))).toMatchObject({ ok: false, seq: position + 1 })
    }
  })

  test('has changed places with another, with or without their numbers', async () => {
    for (const left of positions) {
      for (const right of positions.slice(left + 1)) {
        const rows = ledger().records
        const [a, b] = [rows[left] as AuditRecord, rows[right] as AuditRecord]
        const moved = rows.with(left, b).with(right, a)
        const numbered = rows.with(left, { ...b, seq: a.seq }).with(right, { ...a, seq: b.seq })
        const first = await verifyLedger(storeOf({ ...ledger(), records: moved }))
        expect(first).toMatchObject({ ok: false, seq: b.seq })
        const second = await verifyLedger(storeOf({ ...ledger(), records: numbered }))
        expect(second).toMatchObject({ ok: false, seq: a.seq })
      }
    }
  })
})

describe('a cut tail', () => {
  test('is seen with a head that was kept, and not without', async () => {
    const { hash } = ledger().records[9] as AuditRecord
    const cut = ledger()
    cut.records = cut.records.slice(0, 9)
    cut.payments.pop()
    set(cut, 'ses_2', noUsage)
    set(cut, 'del_1', usage(50_000n, 0n, 1))
    expect(await verifyLedger(storeOf(cut))).toMatchObject({ ok: true, records: 9 })
    expect(await verifyLedger(storeOf(cut), { seq: 10, hash })).toEqual({
      ok: false,
      reason: 'the trail ends before its head 10',
    })
    const empty: Ledger = { ...cut, records: [], sessions: [], delegations: [], payments: [] }
    expect(await verifyLedger(storeOf(empty), { seq: 10, hash })).toMatchObject({ ok: false })
  })

  test('is seen in the balances, where those were forgotten', async () => {
    const cut = ledger()
    cut.records = cut.records.slice(0, 9)
    expect(await verifyLedger(storeOf(cut))).toMatchObject({ ok: false })
  })
})

test('a trail that was written anew is whole, and is not the one whose head was kept', async () => {
  const { seq, hash } = ledger().records[4] as AuditRecord
  const anew = ledger()
  const events = anew.records.map(({ body }) => JSON.parse(body) as AuditEvent)
  anew.records = []
  write(anew, { type: 'instrument-registered', instrument: 'other', endUser: 'alice' })
  write(anew, ...events.slice(1))
  expect(await verifyLedger(storeOf(anew))).toMatchObject({ ok: true })
  expect(await verifyLedger(storeOf(anew), { seq, hash })).toEqual({
    ok: false,
    seq: 5,
    reason: 'it is not the record that was kept as head',
  })
})

describe('balances', () => {
  const wrong: readonly [string, (bad: Ledger) => void, string][] = [
    ['that a session has not', (bad) => set(bad, 'ses_1', usage(0n, 0n, 1)), 'ses_1 says'],
    ['that a session has too much of', (bad) => set(bad, 'ses_2', usage(0n, 1n, 1)), 'ses_2 says'],
    [
      'that count too few payments',
      (bad) => set(bad, 'ses_1', usage(50_000n, 0n, 0)),
      'ses_1 says',
    ],
    ['that a delegation has not', (bad) => set(bad, 'del_1', usage(0n, 10_000n, 2)), 'del_1 says'],
    ['that came from nowhere', (bad) => set(bad, 'del_2', usage(1n, 0n, 1)), 'del_2 says'],
    [
      'of a session that was removed',
      (bad) => bad.sessions.shift(),
      'ses_1 is in the records, and not in the ledger',
    ],
    [
      'of a delegation without payments that was removed',
      (bad) => bad.delegations.pop(),
      'del_2 is in the records, and not in the ledger',
    ],
    [
      'of a session that nobody created',
      (bad) => bad.sessions.push(sessionRow('ses_9', 11, noUsage)),
      'ses_9 is in the ledger, and no record says why',
    ],
    [
      'of a delegation that nobody granted',
      (bad) => bad.delegations.push(delegationRow('del_9', 11, noUsage)),
      'del_9 is in the ledger, and no record says why',
    ],
  ]

  test.each(wrong)('%s are found', async (_what, change, reason) => {
    const bad = ledger()
    change(bad)
    const found = await verifyLedger(storeOf(bad))
    expect(found).toMatchObject({ ok: false, reason: expect.stringContaining(reason) })
    expect(found).not.toHaveProperty('seq')
  })

  test('are shown beside what the records say', async () => {
    const bad = ledger()
    set(bad, 'ses_1', usage(40_000n, 10_000n, 2))
    expect(await verifyLedger(storeOf(bad))).toEqual({
      ok: false,
      reason:
        'ses_1 says settled 0.04, held 0.01, payments 2, its records say settled 0.05, held 0.00, payments 1',
    })
  })

  test('of a child session count in each session that it draws from', async () => {
    const family = ledger()
    write(family, created('ses_3', 'del_1', 'ses_2'), created('ses_4', 'del_1', 'ses_3'))
    reserve(family, 'pay_4', 5_000n, 'ses_4')
    family.sessions.push(sessionRow('ses_3', 11, usage(0n, 5_000n, 1), 'ses_2'))
    family.sessions.push(sessionRow('ses_4', 12, usage(0n, 5_000n, 1), 'ses_3'))
    set(family, 'ses_2', usage(0n, 15_000n, 2))
    set(family, 'del_1', usage(50_000n, 15_000n, 3))
    expect(await verifyLedger(storeOf(family))).toMatchObject({ ok: true, records: 13 })
    set(family, 'ses_2', usage(0n, 10_000n, 1))
    expect(await verifyLedger(storeOf(family))).toMatchObject({ ok: false })
  })

  test('of an overrun count what was released before', async () => {
    const over = ledger()
    conclude(over, 'payment-settled', 'pay_2', { overrun: true })
    set(over, 'ses_1', usage(70_000n, 0n, 2))
    set(over, 'del_1', usage(70_000n, 10_000n, 3))
    expect(await verifyLedger(storeOf(over))).toMatchObject({ ok: true })
  })

  test('of what settled for less give back the rest', async () => {
    const less = ledger()
    conclude(less, 'payment-settled', 'pay_3', { settledMicro: 0n })
    set(less, 'ses_2', usage(0n, 0n, 1))
    set(less, 'del_1', usage(50_000n, 0n, 2))
    expect(await verifyLedger(storeOf(less))).toMatchObject({ ok: true })
  })

  test('add up to what any payments were, up to 10^12 units', async () => {
    const amounts = fc.array(fc.bigInt({ min: 1n, max: 10n ** 18n - 1n }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(amounts, async (paid) => {
        const any = ledger()
        paid.forEach((micro, index) => {
          reserve(any, `pay_${4 + index}`, micro)
        })
        const held = paid.reduce((sum, micro) => sum + micro, 0n)
        set(any, 'ses_1', usage(50_000n, held, 1 + paid.length))
        set(any, 'del_1', usage(50_000n, 10_000n + held, 2 + paid.length))
        expect(await verifyLedger(storeOf(any))).toMatchObject({ ok: true })
      }),
      { numRuns: 30 },
    )
  })
})

describe('a record that the ledger cannot have written is named', () => {
  const strange: readonly [string, unknown][] = [
    ['is no JSON', undefined],
    ['is no object', 7],
    ['is null', null],
    ['has no type', { session: 'ses_1' }],
    ['releases more than is held', moved('payment-released', 60_000n, { payment: 'pay_3' })],
    ['settles more than is held', moved('payment-settled', 60_000n, { payment: 'pay_3' })],
    ['releases what was never reserved', moved('payment-released', 1n, { payment: 'pay_9' })],
    ['reserves a payment again', moved('payment-reserved', 1n)],
    ['reserves for no session', moved('payment-reserved', 1n, { payment: 'pay_4' }, 'ses_9')],
    ['creates a session again', created('ses_1', 'del_1')],
    ['has limits that cannot be read', { ...created('ses_4', 'del_1'), limits: {} }],
    ['has no atomic amount', moved('payment-reserved', 1n, { payment: 'pay_4', atomic: 'x' })],
    ['has an amount that cannot be read', moved('payment-reserved', 1n, { amount: '1e3' })],
    ['has no amount', moved('payment-reserved', 1n, { amount: undefined })],
    [
      'settled what cannot be read',
      moved('payment-settled', 1n, { payment: 'pay_3', settled: '-1' }),
    ],
  ]

  test.each(strange)('because it %s', async (_what, event) => {
    const bad = ledger()
    const body = event === undefined ? 'nothing' : JSON.stringify(event)
    bad.records.push({ seq: 11, at: AT, body, hash: '' })
    bad.records[10] = rehashed(bad.records, 10, {})
    expect(await verifyLedger(storeOf(bad))).toMatchObject({ ok: false, seq: 11 })
  })
})

describe('payments that go on meanwhile', () => {
  /** Pays whenever verification turns from records to balances or back, so many times. */
  function paying(times: number): { live: Ledger; left: () => number } {
    const live = ledger()
    let left = times
    let last = 'records'
    live.onRead = (what) => {
      const turns = what !== last
      last = what
      if (left === 0 || !turns) return
      left -= 1
      reserve(live, `pay_${live.payments.length + 1}`, 1n)
      for (const account of [live.sessions[0], live.delegations[0]]) {
        const { settledMicro, heldMicro, payments } = account?.usage ?? noUsage
        set(live, `${account?.id}`, usage(settledMicro, heldMicro + 1n, payments + 1))
      }
    }
    return { live, left: () => left }
  }

  test('raise no false alarm', async () => {
    for (const times of [1, 2, 3, 4, 5, 12]) {
      const { live, left } = paying(times)
      expect(await verifyLedger(storeOf(live))).toMatchObject({ ok: true })
      expect(left()).toBeLessThan(times)
    }
  })

  test('hide no difference', async () => {
    const { live } = paying(5)
    set(live, 'ses_2', noUsage)
    expect(await verifyLedger(storeOf(live))).toMatchObject({
      ok: false,
      reason: expect.stringContaining('ses_2 says'),
    })
  })

  test('hide no bad record that comes with them', async () => {
    const { live } = paying(0)
    live.onRead = (what) => {
      if (what === 'records' || live.records.length > 10) return
      reserve(live, 'pay_4', 1n)
      const last = live.records.at(-1) as AuditRecord
      live.records[10] = { ...last, hash: 'f'.repeat(64) }
      set(live, 'ses_1', usage(50_000n, 1n, 2))
    }
    expect(await verifyLedger(storeOf(live))).toMatchObject({ ok: false, seq: 11 })
  })
})
