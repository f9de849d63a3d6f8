export { type Asset, findAsset, pinnedAssets } from './asset.ts'
export type { AuditEvent, AuditEventType, RecordedLimits } from './audit/event.ts'
export { type AuditRecord, auditRecord, GENESIS_HASH, recordHash } from './audit/record.ts'
export type { Consent, Delegation, DelegationInput } from './delegation.ts'
export { type Denial, type DenialCode, denialCodes } from './denial.ts'
export { BursarError } from './errors.ts'
export type { Bucket, Limits, LimitsInput, Usage, WindowLimit, WindowSpan } from './limits.ts'
export type { KnownMerchant, MerchantRule } from './merchant.ts'
export { creditMicro, debitMicro, formatAmount, parseAmount } from './money.ts'
export type {
  Call,
  Money,
  PayRequest,
  PayResult,
  PayStatus,
  PayStep,
  QuoteResult,
  Receipt,
  ResourceResponse,
  SessionStatus,
} from './pay-result.ts'
export type {
  Content,
  Delivery,
  KeyRecord,
  Payment,
  PaymentState,
  Terms,
} from './payment.ts'
export { PaymentSession, type SessionPort } from './payment-session.ts'
export type {
  Authorization,
  Challenge,
  Claim,
  Evidence,
  Offer,
  Offers,
  OpenPayment,
  Proof,
  Rail,
  Verdict,
} from './rail.ts'
export type { Session, SessionInput } from './session.ts'
export {
  type Change,
  type LedgerState,
  MAX_PAGE,
  type Page,
  type PageRequest,
  type RegisteredInstrument,
  type Scope,
  SOON_MS,
  type Store,
  type When,
} from './store.ts'
export {
  type CancelAuthorization,
  type SigningToken,
  type SignRequest,
  type SignResult,
  type TransferAuthorization,
  type TypedData,
  typedDataOf,
  type Wallet,
} from './wallet.ts'
