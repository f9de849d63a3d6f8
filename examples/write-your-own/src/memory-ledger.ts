import type {
  Approval,
  AuditRecord,
  Content,
  Credential,
  Delegation,
  EndUserAccount,
  KeyRecord,
  KnownMerchant,
  MerchantUsage,
  Operation,
  Payment,
  RegisteredInstrument,
  Session,
} from '@bursar/core'
import { type Lookups, MAX_RECENT_APPROVALS } from '@bursar/core/store'

/** The rows of a ledger in memory. Every table keeps the order in which its rows were inserted. */
export interface MemoryLedger {
  readonly sessions: Map<string, Session>
  readonly delegations: Map<string, Delegation>
  readonly payments: Map<string, Payment>
  readonly keys: Map<string, KeyRecord>
  readonly merchants: Map<string, KnownMerchant>
  readonly merchantUsages: Map<string, MerchantUsage>
  readonly contents: Map<string, Content>
  readonly instruments: Map<string, RegisteredInstrument>
  readonly endUsers: Map<string, EndUserAccount>
  readonly approvals: Map<string, Approval>
  readonly credentials: Map<string, Credential>
  readonly operations: Map<string, Operation>
  /** The key of each listed row by its id: 1 for the row that was inserted first. */
  readonly pks: Map<string, bigint>
  /** Ids of sessions that are in an archive. */
  readonly archived: Set<string>
  readonly records: AuditRecord[]
}

/** Returns a ledger without rows. */
export function emptyLedger(): MemoryLedger {
  return {
    sessions: new Map(),
    delegations: new Map(),
    payments: new Map(),
    keys: new Map(),
    merchants: new Map(),
    merchantUsages: new Map(),
    contents: new Map(),
    instruments: new Map(),
    endUsers: new Map(),
    approvals: new Map(),
    credentials: new Map(),
    operations: new Map(),
    pks: new Map(),
    archived: new Set(),
    records: [],
  }
}

/** Returns the name of a row that needs several names. Ids, hosts and payees have no spaces. */
export function rowName(...names: readonly string[]): string {
  return names.join(' ')
}

// #region lookups
/** Returns the lookups by which `loadState` finds the rows of a scope. */
export function ledgerLookups(ledger: MemoryLedger): Lookups {
  const latestPayment = (isSought: (payment: Payment) => boolean) =>
    [...ledger.payments.values()].findLast(isSought)
  const newestApprovals = () => [...ledger.approvals.values()].toReversed()
  return {
    session: (id) => ledger.sessions.get(id),
    delegation: (id) => ledger.delegations.get(id),
    payment: (id) => ledger.payments.get(id),
    key: (session, key) => ledger.keys.get(rowName(session, key)),
    twin: (delegation, hash) =>
      latestPayment((one) => one.delegation === delegation && one.terms.requestHash === hash),
    ownTwin: ({ id }, hash) =>
      latestPayment((one) => one.session === id && one.terms.requestHash === hash),
    merchant: (delegation, host) => ledger.merchants.get(rowName(delegation, host)),
    merchantUsage: (account, host, payee) =>
      ledger.merchantUsages.get(rowName(account, host, payee)),
    instrument: (handle) => ledger.instruments.get(handle),
    endUser: (name) => ledger.endUsers.get(name),
    delegationsOf: (endUser) =>
      [...ledger.delegations.values()].filter((one) => one.endUser === endUser),
    approval: (id) => ledger.approvals.get(id),
    latestApproval: (session, termsHash) =>
      newestApprovals().find((one) => one.session === session && one.termsHash === termsHash),
    recentApprovals: (root) =>
      newestApprovals()
        .filter((one) => one.root === root)
        .slice(0, MAX_RECENT_APPROVALS),
    credential: (id) => ledger.credentials.get(id),
    operation: (id) => ledger.operations.get(id),
  }
}
// #endregion
