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
type Fold = { -readonly [Field in 'settledMicro' | 'heldMicro' | 'payments']: Usage[Field] }

/**
 * Checks every link of the chain, and that the balances equal the fold of the records.
 *
 * It names the first record that was changed, removed, swapped or added. Alone it cannot see that
 * the newest records were cut off, or that the whole trail was written anew: give it a `head` that
 * was kept elsewhere for that.
 */
export async function verify(store: Store, head?: AuditHead): Promise<Verification> {
  const folds = new Map<string, Fold>()
  let last: AuditHead | undefined
  let headSeen = head === undefined
  let after: string | undefined
  do {
    const page = await store.audit({ after, limit: MAX_PAGE })
    for (const record of page.rows) {
      const wrong = linkProblem(last, record) ?? foldRecord(folds, record)
      if (wrong) return { ok: false, seq: record.seq, reason: wrong }
      last = { seq: record.seq, hash: record.hash }
      if (head && record.seq === head.seq) {
        if (record.hash !== head.hash) {
          return {
            ok: false,
            seq: record.seq,
            reason: 'it is not the record that was kept as head',
          }
        }
        headSeen = true
      }
    }
    after = page.cursor
  } while (after !== undefined)
  if (!headSeen) return { ok: false, reason: `the trail ends before its kept head ${head?.seq}` }
  const unequal = await unequalAccount(store, folds)
  return unequal ?? { ok: true, records: last?.seq ?? 0, head: last }
}

function linkProblem(last: AuditHead | undefined, record: AuditRecord): string | undefined {
  const expected = (last?.seq ?? 0) + 1
  if (record.seq !== expected) return `record ${expected} is missing before it`
  const { seq, at, body } = record
  const hash = recordHash(last?.hash ?? GENESIS_HASH, seq, at, body)
  return hash === record.hash ? undefined : 'its contents and its place do not give its hash'
}

function foldRecord(folds: Map<string, Fold>, record: AuditRecord): string | undefined {
  const event = JSON.parse(record.body) as AuditEvent
  const change = effect(event)
  if (!change || !('session' in event)) return undefined
  for (const account of [event.session, event.delegation]) {
    const fold = folds.get(account) ?? { settledMicro: 0n, heldMicro: 0n, payments: 0 }
    fold.settledMicro += change.settledMicro
    fold.heldMicro += change.heldMicro
    fold.payments += change.payments
    folds.set(account, fold)
    if (fold.heldMicro < 0n) return `with it, more of ${account} was released than was held`
  }
  return undefined
}

function effect(event: AuditEvent): Fold | undefined {
  switch (event.type) {
    case 'payment-reserved':
      return { settledMicro: 0n, heldMicro: micro(event.amount), payments: 1 }
    case 'payment-released':
      return { settledMicro: 0n, heldMicro: -micro(event.amount), payments: -1 }
    case 'payment-settled':
      return event.overrun
        ? { settledMicro: micro(event.settled), heldMicro: 0n, payments: 1 }
        : { settledMicro: micro(event.settled), heldMicro: -micro(event.amount), payments: 0 }
    default:
      return undefined
  }
}

function micro(amount: string): bigint {
  return parseAmount(amount) ?? 0n
}

async function unequalAccount(
  store: Store,
  folds: ReadonlyMap<string, Fold>,
): Promise<Verification | undefined> {
  const reads = [
    (page: PageRequest) => store.sessions({}, page),
    (page: PageRequest) => store.delegations({}, page),
  ]
  for (const read of reads) {
    let after: string | undefined
    do {
      const page: Page<Account> = await read({ after, limit: MAX_PAGE })
      for (const account of page.rows) {
        const fold = folds.get(account.id) ?? { settledMicro: 0n, heldMicro: 0n, payments: 0 }
        const { usage, id } = account
        const equal =
          usage.settledMicro === fold.settledMicro &&
          usage.heldMicro === fold.heldMicro &&
          usage.payments === fold.payments
        if (!equal) return { ok: false, reason: difference(id, usage, fold) }
      }
      after = page.cursor
    } while (after !== undefined)
  }
  return undefined
}

function difference(id: string, usage: Fold, fold: Fold): string {
  const shown = (one: Fold) =>
    `settled ${formatAmount(one.settledMicro)}, held ${formatAmount(one.heldMicro)}, payments ${one.payments}`
  return `${id} says ${shown(usage)}, its records say ${shown(fold)}`
}
