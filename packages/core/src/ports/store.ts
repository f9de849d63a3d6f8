import type { Approval, ApprovalState } from '../ledger/approval.ts'
import type { AuditRecord } from '../ledger/audit-record.ts'
import type { Credential } from '../ledger/credential.ts'
import type { Delegation } from '../ledger/delegation.ts'
import type { Change, LedgerState, Scope } from '../ledger/ledger-state.ts'
import type { Content, Payment, PaymentState } from '../ledger/payment.ts'
import type { Session } from '../ledger/session.ts'

/**
 * The durability of a commit. `now`: durable before the commit resolves, for reservations and every change
 * by a person. `soon`: durable with the next write, at most `SOON_MS` later. A crash may lose a `soon` commit,
 * and reconciliation then finds the payment's outcome again.
 */
export type When = 'now' | 'soon'

/** The longest time in milliseconds that a commit `soon` waits for others to share its write. */
export const SOON_MS = 20

/** The most rows or records of one page. */
export const MAX_PAGE = 500

/**
 * One page of rows. Pass its opaque `cursor` as `after` to read the rows behind its last row, now or later.
 * The cursor is absent if the page is empty.
 */
export interface Page<Row> {
  readonly rows: readonly Row[]
  readonly cursor?: string
}

/** A page to read: at most `limit` rows after a cursor. A store returns at most `MAX_PAGE` rows. */
export interface PageRequest {
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

/**
 * The database of the ledger and the audit trail. All rules are in core: a store only loads, saves and
 * orders rows.
 *
 * If you implement it, keep these promises, and run `testStore` of `@bursar/core/testing`:
 * - `commit` runs `change` on the newest state of the scope, with its rows locked in one global order, and
 *   writes all rows and records of the change atomically.
 * - `change` is synchronous and pure, and may run again. An error of it rejects its own commit alone. Waiting
 *   commits may share one durable write.
 * - The `now` that `change` gets is never earlier than the last recorded time.
 * - Audit records are chained with `auditRecord`, in the order of their commits.
 * - A read sees every commit that resolved before it, `soon` ones included.
 */
export interface Store {
  /** Changes the ledger, and returns the change's result. */
  commit<Result>(
    scope: Scope,
    change: (state: LedgerState, now: number) => Change<Result>,
    when: When,
  ): Promise<Result>
  /** Reads the newest state of a scope. */
  read(scope: Scope): Promise<LedgerState>
  /** Returns the store's clock in milliseconds since the epoch. Within a commit, its own `now` counts. */
  now(): number
  /** Lists payments, oldest first. */
  payments(
    filter: {
      readonly session?: string
      readonly delegation?: string
      readonly endUser?: string
      readonly states?: readonly PaymentState[]
    },
    page: PageRequest,
  ): Promise<Page<Payment>>
  /** Lists sessions, oldest first. */
  sessions(
    filter: { readonly delegation?: string; readonly endUser?: string },
    page: PageRequest,
  ): Promise<Page<Session>>
  /** Lists delegations, oldest first. With `unsettled`, only those for which `isUnsettled` is true. */
  delegations(
    filter: { readonly endUser?: string; readonly unsettled?: true },
    page: PageRequest,
  ): Promise<Page<Delegation>>
  /** Lists approvals, oldest first. */
  approvals(
    filter: {
      readonly endUser?: string
      readonly session?: string
      /** The key of the call that asked, within `session`. */
      readonly key?: string
      readonly states?: readonly ApprovalState[]
    },
    page: PageRequest,
  ): Promise<Page<Approval>>
  /** Lists the keys of the service, oldest first. */
  credentials(page: PageRequest): Promise<Page<Credential>>
  /** Reads the stored response of a payment. Returns undefined if it is not stored any more. */
  content(payment: string): Promise<Content | undefined>
  /** Reads audit records in their order. A page never skips a record of a commit that ends late. */
  audit(page: PageRequest): Promise<Page<AuditRecord>>
  /** Writes the waiting commits, and closes. Later calls are rejected with `store_closed`. */
  close(): Promise<void>
}
