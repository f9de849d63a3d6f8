import type { Approval, ApprovalState } from '../ledger/approval.ts'
import type { AuditRecord } from '../ledger/audit-record.ts'
import type { Credential } from '../ledger/credential.ts'
import type { Delegation } from '../ledger/delegation.ts'
import type { Change, LedgerState, Scope } from '../ledger/ledger-state.ts'
import type { Content, Payment, PaymentState } from '../ledger/payment.ts'
import type { Session } from '../ledger/session.ts'

/**
 * `now`: durable before the commit resolves; every reservation, everything of the control plane.
 * `soon`: durable with the next write, at most `SOON_MS` later; a crash may lose it, proof finds it.
 */
export type When = 'now' | 'soon'

/** How long a commit `soon` may wait for company. */
export const SOON_MS = 20

/** Most rows or records that one page of a read brings. */
export const MAX_PAGE = 500

/**
 * One page of a read. `cursor` is opaque and leads behind the last row, where later rows will be:
 * the next page begins there, now or at any time. It is absent only where the page is empty.
 */
export interface Page<Row> {
  readonly rows: readonly Row[]
  readonly cursor?: string
}

/** A page to read: after an opaque cursor, at most `limit` rows, never more than `MAX_PAGE`. */
export interface PageRequest {
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

/**
 * Where the ledger and the audit trail live.
 *
 * All rules are in core: a store only loads, saves and orders. It has to promise this:
 * - `commit` runs `change` on the newest state of the scope with every row of it locked against
 *   others, in one global order, and writes all rows and records atomically, or none of them.
 * - `change` is synchronous and pure; it may be run again, and what it throws rejects that commit
 *   alone. Many waiting commits may share one durable write.
 * - `now`, as it hands it to `change`, never runs back: never behind what was recorded last.
 * - audit records are chained with `auditRecord`, in the order of their commits.
 * - reads see everything that was committed before they were asked, `soon` included.
 * Every store passes `testStore`.
 */
export interface Store {
  commit<Result>(
    scope: Scope,
    change: (state: LedgerState, now: number) => Change<Result>,
    when: When,
  ): Promise<Result>
  read(scope: Scope): Promise<LedgerState>
  /** The store's clock, milliseconds since the epoch; a commit's own `now` is the authority. */
  now(): number
  /** Payments in some states, oldest first. */
  payments(
    filter: {
      readonly session?: string
      readonly delegation?: string
      readonly endUser?: string
      readonly states?: readonly PaymentState[]
    },
    page: PageRequest,
  ): Promise<Page<Payment>>
  /** Sessions, oldest first. */
  sessions(
    filter: { readonly delegation?: string; readonly endUser?: string },
    page: PageRequest,
  ): Promise<Page<Session>>
  /** Delegations, oldest first; with `unsettled`, only those that are so by `isUnsettled`. */
  delegations(
    filter: { readonly endUser?: string; readonly unsettled?: true },
    page: PageRequest,
  ): Promise<Page<Delegation>>
  /** Approvals, oldest first. */
  approvals(
    filter: {
      readonly endUser?: string
      readonly session?: string
      /** Of the call that asked, within `session`. */
      readonly key?: string
      readonly states?: readonly ApprovalState[]
    },
    page: PageRequest,
  ): Promise<Page<Approval>>
  /** Keys of the service, oldest first. */
  credentials(page: PageRequest): Promise<Page<Credential>>
  /** What was kept of a payment's response, if it still is. */
  content(payment: string): Promise<Content | undefined>
  /** Audit records in their order; a page never skips a record that commits late. */
  audit(page: PageRequest): Promise<Page<AuditRecord>>
  /** Writes what waits, and closes. Calls after it are rejected with `store_closed`. */
  close(): Promise<void>
}
