import type { Approval } from '../ledger/approval.ts'
import type { Credential } from '../ledger/credential.ts'
import type { Delegation } from '../ledger/delegation.ts'
import type { EndUserAccount } from '../ledger/end-user-account.ts'
import type { RegisteredInstrument } from '../ledger/ledger-state.ts'
import type { Delivery, Payment } from '../ledger/payment.ts'
import type { Session } from '../ledger/session.ts'
import { formatAmount, parseAmount } from '../money/amount.ts'
import { type MerchantUsage, noUsage } from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'

/** An archive as the records replayed so far make it. */
export interface ArchiveEntry {
  /** Whether records whose bodies are gone were met: then the replay lacks the archive's rows. */
  readonly isPruned: boolean
  records: number
  /** The hash over the archive's records so far. */
  sha256: string
  /** The counts and hashes after the last record without a body, and after each later record. */
  readonly marks: { seq: number; records: number; sha256: string }[]
  /** The merchants recorded for the archive, by `archivedMerchantName`. */
  readonly merchants: Set<string>
  /** Whether the record that declares the archive was met. */
  declared: boolean
  /** Whether the last record about the archive was met: all of its rows are removed. */
  done: boolean
}

/** A row of the ledger as the records make it. */
export interface ReplayedRow<Recorded> {
  recorded: Recorded
  /** The number of the record that created the row. */
  readonly seq: number
  /** Whether the row was seen in its list. */
  listed: boolean
}

/** A payment as its records make it, in so few fields that many payments fit into memory. */
export type RecordedPayment = Pick<
  Payment,
  | 'session'
  | 'reservedAt'
  | 'state'
  | 'overrun'
  | 'settledMicro'
  | 'provenAt'
  | 'evidence'
  | 'claimedTransaction'
  | 'claimedAt'
  | 'answeredAt'
  | 'allowedAgainUntil'
  | 'cancellationAskedAt'
> & {
  /** The hash of the fields that never change. They are long, and their record can be read again. */
  readonly fixed: string
  /** The cursor that leads to the page of the record that reserved the payment. */
  readonly page: string | undefined
  /** The recorded part of the delivery. */
  readonly delivery?: Partial<Delivery>
}

/** The rows of the ledger as its records make them, by their ids. */
export interface Replay {
  readonly sessions: Map<string, ReplayedRow<Session>>
  readonly delegations: Map<string, ReplayedRow<Delegation>>
  readonly payments: Map<string, ReplayedRow<RecordedPayment>>
  readonly approvals: Map<string, ReplayedRow<Approval>>
  readonly instruments: Map<string, ReplayedRow<RegisteredInstrument>>
  readonly credentials: Map<string, ReplayedRow<Credential>>
  readonly endUsers: Map<string, ReplayedRow<EndUserAccount>>
  /** The usage of each account with per-merchant limits at each merchant, by `replayedUsageId`. */
  readonly merchantUsages: Map<string, ReplayedRow<MerchantUsage>>
  /** The ids of the delegations of each end user. */
  readonly granted: Map<string, string[]>
  /** The id of the archive that a session belongs to, by the session's id. */
  readonly archived: Map<string, string>
  readonly archives: Map<string, ArchiveEntry>
}

/** Creates a replay that has read no record yet. */
export function createReplayState(): Replay {
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

/** Adds the row that a record creates. Throws `invariant_broken` if an earlier record created it. */
export function addReplayedRow<Recorded>(
  entries: Map<string, ReplayedRow<Recorded>>,
  id: string,
  recorded: Recorded,
  seq: number,
): void {
  const before = entries.get(id)
  if (before) throw impossibleEvent(`record ${before.seq} made ${id} already`)
  entries.set(id, { recorded, seq, listed: false })
}

/** Replaces a row by its next value, and returns that. Throws `invariant_broken` if no record created the row. */
export function updateReplayedRow<Recorded>(
  entries: ReadonlyMap<string, ReplayedRow<Recorded>>,
  id: string,
  next: (recorded: Recorded) => Recorded,
): Recorded {
  const entry = requireReplayedRow(entries, id)
  entry.recorded = next(entry.recorded)
  return entry.recorded
}

/** Returns a row. Throws `invariant_broken` if no record created the row. */
export function requireReplayedRow<Recorded>(
  entries: ReadonlyMap<string, ReplayedRow<Recorded>>,
  id: string,
): ReplayedRow<Recorded> {
  const entry = entries.get(id)
  if (entry) return entry
  throw impossibleEvent(`it is about ${id}, which no record made`)
}

/** Returns the id of an account's usage at a merchant. Names and hosts contain no spaces. */
export function replayedUsageId({
  account,
  host,
  payee,
}: Pick<MerchantUsage, 'account' | 'host' | 'payee'>): string {
  return `${account} ${host} ${payee}`
}

/** Returns an account's usage at a merchant; adds an empty one at the account's first payment there. */
export function ensureReplayedUsage(
  { merchantUsages }: Replay,
  { host, payee }: Pick<MerchantUsage, 'host' | 'payee'>,
  account: string,
  seq: number,
): ReplayedRow<MerchantUsage> {
  const id = replayedUsageId({ account, host, payee })
  const known = merchantUsages.get(id)
  if (known) return known
  const entry = { recorded: { account, host, payee, usage: noUsage }, seq, listed: false }
  merchantUsages.set(id, entry)
  return entry
}

/** Parses a recorded amount into micro-units; zero is allowed. Throws `invariant_broken` if unreadable. */
export function parseReplayedMicro(amount: string): bigint {
  const micro = amount === formatAmount(0n) ? 0n : parseAmount(amount)
  if (micro === undefined) throw impossibleEvent('its amount cannot be read')
  return micro
}

/** Creates the error for a record that this ledger can't have written. */
export function impossibleEvent(why: string): BursarError {
  return new BursarError('invariant_broken', why)
}
