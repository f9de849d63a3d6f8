import type { Approval } from '../ledger/approval.ts'
import type { Credential } from '../ledger/credential.ts'
import type { Delegation } from '../ledger/delegation.ts'
import type { EndUserAccount } from '../ledger/end-user-account.ts'
import type { RegisteredInstrument } from '../ledger/ledger-state.ts'
import type { Session } from '../ledger/session.ts'
import { type MerchantUsage, noUsage } from '../money/limits.ts'
import { impossibleEvent } from './impossible-event.ts'
import type { RecordedPayment } from './recorded-payment.ts'

/** What is known of an archive while the trail is read. */
export interface ArchiveEntry {
  /** Whether records of it were met whose bodies are gone: then the fold has nothing of it. */
  readonly isPruned: boolean
  records: number
  /** Hash over its records so far. */
  sha256: string
  /** The same after each record that still has its body, and after the last one that has not. */
  readonly marks: { seq: number; records: number; sha256: string }[]
  /** Merchants of it that were recorded, by `merchantName`. */
  readonly merchants: Set<string>
  /** Set by the record that says what was archived. */
  declared: boolean
  /** Set by the last record about it: no row of it is left. */
  done: boolean
}

/** What the records say about one row of the ledger. */
export interface Entry<Recorded> {
  recorded: Recorded
  /** The record that made it. */
  readonly seq: number
  /** Whether the row was seen in its list. */
  listed: boolean
}

/** What the records say about the rows of the ledger, by their ids. */
export interface Fold {
  readonly sessions: Map<string, Entry<Session>>
  readonly delegations: Map<string, Entry<Delegation>>
  readonly payments: Map<string, Entry<RecordedPayment>>
  readonly approvals: Map<string, Entry<Approval>>
  readonly instruments: Map<string, Entry<RegisteredInstrument>>
  readonly credentials: Map<string, Entry<Credential>>
  readonly endUsers: Map<string, Entry<EndUserAccount>>
  /** What accounts with per-merchant limits have spent, by `merchantUsageId`. */
  readonly merchantUsages: Map<string, Entry<MerchantUsage>>
  /** The delegations of each end user. */
  readonly granted: Map<string, string[]>
  /** The archive that a session belongs to, by the session's id. */
  readonly archived: Map<string, string>
  readonly archives: Map<string, ArchiveEntry>
}
export function emptyFold(): Fold {
  return {
    sessions: new Map(),
    delegations: new Map(),
    payments: new Map(),
    approvals: new Map(),
    instruments: new Map(),
    credentials: new Map(),
    endUsers: new Map(),
    merchantUsages: new Map(),
    granted: new Map(),
    archived: new Map(),
    archives: new Map(),
  }
}
export function add<Recorded>(
  entries: Map<string, Entry<Recorded>>,
  id: string,
  recorded: Recorded,
  seq: number,
): void {
  const before = entries.get(id)
  if (before) throw impossibleEvent(`record ${before.seq} made ${id} already`)
  entries.set(id, { recorded, seq, listed: false })
}
export function update<Recorded>(
  entries: ReadonlyMap<string, Entry<Recorded>>,
  id: string,
  next: (recorded: Recorded) => Recorded,
): Recorded {
  const entry = entryOf(entries, id)
  entry.recorded = next(entry.recorded)
  return entry.recorded
}
export function entryOf<Recorded>(
  entries: ReadonlyMap<string, Entry<Recorded>>,
  id: string,
): Entry<Recorded> {
  const entry = entries.get(id)
  if (entry) return entry
  throw impossibleEvent(`it is about ${id}, which no record made`)
}

/** What a merchant's usage is told by: names and hosts have no spaces. */
export function merchantUsageId({
  account,
  host,
  payee,
}: Pick<MerchantUsage, 'account' | 'host' | 'payee'>): string {
  return `${account} ${host} ${payee}`
}

/** What an account has spent at a merchant, from its first payment there on. */
export function usageAt(
  { merchantUsages }: Fold,
  { host, payee }: Pick<MerchantUsage, 'host' | 'payee'>,
  account: string,
  seq: number,
): Entry<MerchantUsage> {
  const id = merchantUsageId({ account, host, payee })
  const known = merchantUsages.get(id)
  if (known) return known
  const entry = { recorded: { account, host, payee, usage: noUsage }, seq, listed: false }
  merchantUsages.set(id, entry)
  return entry
}
