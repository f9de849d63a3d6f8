export { MAX_RECENT_APPROVALS } from './ledger/approval.ts'
export { auditRecord } from './ledger/audit-record.ts'
export { isUnsettled } from './ledger/delegation.ts'
export { endUserAccountId } from './ledger/end-user-account.ts'
export { isOverrun } from './ledger/ledger-state.ts'
export { isOwnKey, unprovenStates } from './ledger/payment.ts'
export {
  type ApprovalRow,
  approvalJson,
  assertSameApproval,
  parseApprovalRow,
} from './persistence/approval-row.ts'
export {
  assertSameDelegation,
  type DelegationRow,
  delegationJson,
  hasSameDelegationJson,
  parseDelegationRow,
} from './persistence/delegation-row.ts'
export {
  assertSameEndUser,
  type EndUserRow,
  endUserJson,
  hasSameEndUserJson,
  parseEndUserRow,
} from './persistence/end-user-row.ts'
export { parseWindows, windowsJson } from './persistence/limits-json.ts'
export { type Lookups, loadState } from './persistence/load-state.ts'
export { type ListName, type PageBounds, pageBounds, pageOf } from './persistence/page-cursor.ts'
export {
  assertSamePayment,
  hasSamePaymentJson,
  hasSamePaymentOutcome,
  type PaymentOutcome,
  type PaymentRow,
  parsePaymentRow,
  paymentJson,
  paymentOutcome,
} from './persistence/payment-row.ts'
export { assertRecorded } from './persistence/recorded-change.ts'
export {
  parseCredentialRow,
  parseOperationRow,
  type ServiceRow,
  serviceRow,
} from './persistence/service-row.ts'
export {
  assertSameSession,
  hasSameSessionJson,
  parseSessionRow,
  type SessionRow,
  sessionJson,
} from './persistence/session-row.ts'
export { MAX_PAGE, SOON_MS } from './ports/store.ts'
