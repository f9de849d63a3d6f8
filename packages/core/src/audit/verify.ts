import type { Usage } from '../limits.ts'
import { formatAmount, parseAmount } from '../money.ts'
import { MAX_PAGE, type Page, type PageRequest, type Store } from '../store.ts'
import type { AuditEvent } from './event.ts'
import { type AuditRecord, GENESIS_HASH, recordHash } from './record.ts'

/** The newest record, to be kept outside the store: only with it can a cut tail be seen. */
export interface AuditHead {
  readonly seq: number
  readonly hash: string
}

type Account = { readonly id: string; readonly usage: Usage }

/** Whether the trail is whole and the ledger is what the trail says. */
export type Verification =
  | { readonly ok: true; readonly records: number; readonly head: AuditHead | undefined }
  | {
      readonly ok: false
      /** The first bad record, where it is a record that is bad. */
      readonly seq?: number
      readonly reason: string
    }

/** What the records of an account add up to. */
type Fold = Pick<Usage, 'settledMicro' | 'heldMicro' | 'payments'>

/** How often an account is read again while payments go on under the verification. */
const MAX_READS = 20

/** What was read of the trail so far. */
interface Trail {
  after: string | undefined
  last: AuditHead | undefined
  headSeen: boolean
  readonly folds: Map<string, Fold>
  /** The session that each child draws from. */
  readonly parents: Map<string, string>
}

/**
 * Checks every link of the chain, and that the balances equal the fold of the records. Payments may
 * go on meanwhile.
 *
 * It names the first record that was changed, removed, swapped or added. Alone it cannot see that
 * the newest records were cut off, or that the whole trail was written anew: give it a `head` that
 * was kept elsewhere for that.
 */
export async function verify(store: Store, head?: AuditHead): Promise<Verification> {
  const trail: Trail = {
    after: undefined,
    last: undefined,
    headSeen: head === undefined,
    folds: new Map(),
    parents: new Map(),
  }
  const wrong = await walk(store, trail, head)
  if (wrong) return wrong
  if (!trail.headSeen) return { ok: false, reason: `the trail ends before its head ${head?.seq}` }
  const unequal = await unequalAccount(store, trail)
  return unequal ?? { ok: true, records: trail.last?.seq ?? 0, head: trail.last }
}

/** Reads what the trail has by now behind what was read, and checks each link. */
async function walk(
  store: Store,
  trail: Trail,
  head?: AuditHead,
): Promise<Verification | undefined> {
  for (;;) {
    const page = await store.audit({ after: trail.after, limit: MAX_PAGE })
    for (const record of page.rows) {
      const reason =
        linkProblem(trail.last, record) ?? headProblem(record, head) ?? foldRecord(trail, record)
      if (reason) return { ok: false, seq: record.seq, reason }
      trail.last = { seq: record.seq, hash: record.hash }
      if (record.seq === head?.seq) trail.headSeen = true
    }
    if (page.cursor === undefined) return undefined
    trail.after = page.cursor
  }
}

function headProblem(record: AuditRecord, head: AuditHead | undefined): string | undefined {
  const differs = head !== undefined && record.seq === head.seq && record.hash !== head.hash
  return differs ? 'it is not the record that was kept as head' : undefined
}

function linkProblem(last: AuditHead | undefined, record: AuditRecord): string | undefined {
  const expected = (last?.seq ?? 0) + 1
  if (record.seq > expected) return `record ${expected} is missing before it`
  if (record.seq < expected) return `record ${expected} should stand in its place`
  const { seq, at, body } = record
  const hash = recordHash(last?.hash ?? GENESIS_HASH, seq, at, body)
  return hash === record.hash ? undefined : 'its contents and its place do not give its hash'
}

function foldRecord(trail: Trail, record: AuditRecord): string | undefined {
  const event = readEvent(record.body)
  if (!event) return 'its body is no event'
  if (event.type === 'session-created') {
    trail.folds.set(event.session, foldOf(trail, event.session))
    if (event.parent !== undefined) trail.parents.set(event.session, event.parent)
  }
  if (event.type === 'delegation-granted') {
    trail.folds.set(event.delegation, foldOf(trail, event.delegation))
  }
  if (!isMovement(event)) return undefined
  const change = effect(event)
  if (!change) return 'its amount cannot be read'
  for (const account of [...withAncestors(trail, event.session), event.delegation]) {
    const fold = foldOf(trail, account)
    const next = {
      settledMicro: fold.settledMicro + change.settledMicro,
      heldMicro: fold.heldMicro + change.heldMicro,
      payments: fold.payments + change.payments,
    }
    trail.folds.set(account, next)
    if (next.heldMicro < 0n || next.payments < 0) {
      return `with it, more of ${account} was released than was held`
    }
  }
  return undefined
}

function withAncestors(trail: Trail, session: string): string[] {
  const line = [session]
  for (
    let parent = trail.parents.get(session);
    parent !== undefined && !line.includes(parent);
    parent = trail.parents.get(parent)
  ) {
    line.push(parent)
  }
  return line
}

function readEvent(body: string): AuditEvent | undefined {
  try {
    const event: unknown = JSON.parse(body)
    const isEvent = typeof event === 'object' && event !== null && 'type' in event
    return isEvent ? (event as AuditEvent) : undefined
  } catch {
    return undefined
  }
}

/** The records that move a balance. */
type Movement = Extract<
  AuditEvent,
  { readonly type: 'payment-reserved' | 'payment-released' | 'payment-settled' }
>

function isMovement(event: AuditEvent): event is Movement {
  const { type } = event
  return type === 'payment-reserved' || type === 'payment-released' || type === 'payment-settled'
}

function effect(event: Movement): Fold | undefined {
  const amount = micro(event.amount)
  const settledMicro = event.type === 'payment-settled' ? micro(event.settled) : 0n
  if (amount === undefined || settledMicro === undefined) return undefined
  switch (event.type) {
    case 'payment-reserved':
      return { settledMicro, heldMicro: amount, payments: 1 }
    case 'payment-released':
      return { settledMicro, heldMicro: -amount, payments: -1 }
    case 'payment-settled':
      return event.overrun
        ? { settledMicro, heldMicro: 0n, payments: 1 }
        : { settledMicro, heldMicro: -amount, payments: 0 }
    default:
      return event satisfies never
  }
}

function micro(amount: string): bigint | undefined {
  return amount === formatAmount(0n) ? 0n : parseAmount(amount)
}

async function unequalAccount(store: Store, trail: Trail): Promise<Verification | undefined> {
  const sessions = (page: PageRequest) => store.sessions({}, page)
  const delegations = (page: PageRequest) => store.delegations({}, page)
  const missing = new Set(trail.folds.keys())
  for (const list of [sessions, delegations]) {
    let after: string | undefined
    do {
      const page: Page<Account> = await list({ after, limit: MAX_PAGE })
      for (const account of page.rows) {
        missing.delete(account.id)
        const unequal = isEqual(trail, account) ? undefined : await again(store, trail, account.id)
        if (unequal) return unequal
      }
      after = page.cursor
    } while (after !== undefined)
  }
  for (const id of missing) {
    const unequal = await again(store, trail, id)
    if (unequal) return unequal
  }
  return undefined
}

/** A payment may have come in between: only a difference that stays, with no new record, is one. */
async function again(store: Store, trail: Trail, id: string): Promise<Verification | undefined> {
  let reason = ''
  for (let read = 0; read < MAX_READS; read += 1) {
    const { session, delegation } = await store.read({ session: id, delegation: id })
    const account = session?.id === id ? session : delegation
    const before = trail.last?.seq
    const wrong = await walk(store, trail)
    if (wrong) return wrong
    if (account && isEqual(trail, account)) return undefined
    reason = difference(id, account?.usage, trail.folds.get(id))
    if (read > 0 && trail.last?.seq === before) break
  }
  return { ok: false, reason }
}

function isEqual(trail: Trail, { id, usage }: Account): boolean {
  const fold = trail.folds.get(id)
  return (
    fold !== undefined &&
    usage.settledMicro === fold.settledMicro &&
    usage.heldMicro === fold.heldMicro &&
    usage.payments === fold.payments
  )
}

function foldOf(trail: Trail, id: string): Fold {
  return trail.folds.get(id) ?? { settledMicro: 0n, heldMicro: 0n, payments: 0 }
}

function difference(id: string, usage: Fold | undefined, fold: Fold | undefined): string {
  if (!usage) return `${id} is in the records, and not in the ledger`
  if (!fold) return `${id} is in the ledger, and no record says why`
  const shown = (one: Fold) =>
    `settled ${formatAmount(one.settledMicro)}, held ${formatAmount(one.heldMicro)}, payments ${one.payments}`
  return `${id} says ${shown(usage)}, its records say ${shown(fold)}`
}
