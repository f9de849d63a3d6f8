/** The guard, and one facet for each role. */

export type { AuditEntry, Auditing } from './audit/auditing.ts'
export type { AuditListener } from './audit/event-hub.ts'
export { type Bursar, type BursarOptions, createBursar } from './bursar.ts'
export type { Administration, InstrumentSummary } from './facets/administration.ts'
export type { ApprovalSummary } from './facets/approvals.ts'
export type { AuthenticateOptions, VerifiedKey } from './facets/authentication.ts'
export type { EndUser } from './facets/end-user.ts'
export type { Funding } from './facets/funding.ts'
export { inputs } from './facets/input-schemas.ts'
export type { IssuedKey, KeySummary } from './facets/keys.ts'
export type { CreatedSession, Management } from './facets/management.ts'
export { type OpenWalletOptions, openWallet } from './open-wallet.ts'

/** The inputs and answers of the facets. */

export type { ArchiveInput, ArchiveResult } from './archive/archive-sessions.ts'
export type { CancelledPayment } from './guard/cancellation-answer.ts'
export type { Reconciliation } from './guard/reconciler.ts'
export type { SessionChangeInput } from './rules/session-change.ts'
export type { Cancellation, CancelOptions, CancelTarget } from './settlement/cancellation.ts'
export type { ExposedPayment, Exposure, ExposureFilter } from './settlement/exposure.ts'
export type { Instrument } from './signing/instrument.ts'
export type { DelegationSummary, EndUserSummary, Spending } from './views/account-summary.ts'
export type { PaymentSummary } from './views/payment-summary.ts'
export type { SessionSummary } from './views/session-summary.ts'

/** The session of an agent, and the ways to pay within it. */

export type {
  Call,
  Money,
  PayRequest,
  PayResult,
  PayStatus,
  PayStep,
  ProveResult,
  QuoteResult,
  Receipt,
  ResourceResponse,
  SessionStatus,
  WaitingApproval,
} from './session/pay-result.ts'
export { payingFetch } from './session/paying-fetch.ts'
export { type OpenedChild, PaymentSession, type SessionPort } from './session/payment-session.ts'
export { type ModelReceipt, type ModelResult, payTool, toModelResult } from './session/tool.ts'
export type { ToolChallenge } from './session/tool-challenge.ts'

/** Policies. */

export type { Observation, Policy, PolicyDecision, PolicyInput } from './ports/policy.ts'
export { allowHours } from './rules/policies/allow-hours.ts'
export { allowMerchants } from './rules/policies/allow-merchants.ts'
export { allowNetworks } from './rules/policies/allow-networks.ts'
export { allowPayees } from './rules/policies/allow-payees.ts'
export { allowUpTo } from './rules/policies/allow-up-to.ts'
export { askAbove } from './rules/policies/ask-above.ts'
export { askFirst } from './rules/policies/ask-first.ts'
export { shadow } from './rules/policies/shadow.ts'
export type { Threshold } from './rules/policies/threshold.ts'

/** Money, assets and limits. */

export type { RecordedLimits } from './ledger/recorded-limits.ts'
export { formatAmount, parseAmount } from './money/amount.ts'
export { type Asset, findAsset } from './money/asset.ts'
export type { Bucket, WindowLimit, WindowSpan } from './money/limit-windows.ts'
export type {
  Limits,
  LimitsInput,
  MerchantLimits,
  MerchantUsage,
  Usage,
} from './money/limits.ts'
export { listedStablecoins, pinnedAssets, type StablecoinSymbol } from './money/pinned-assets.ts'

/** The seams that rails, wallets, stores and HTTP clients implement, with the types of their signatures. */

export { type GuardedHttpOptions, guardedHttp } from './http/guarded-http.ts'
export type { SecretChange } from './ledger/secret-event.ts'
export type { SecretOpening, SigningPurpose } from './ledger/secret-opening.ts'
export type {
  HttpClient,
  HttpRequest,
  HttpRequestOptions,
  HttpResponse,
} from './ports/http-client.ts'
export type {
  PermissionName,
  PermissionRequest,
  Permissions,
  PermittedAsset,
} from './ports/permissions.ts'
export type {
  Answer,
  Authorization,
  CancelAnswer,
  Challenge,
  Claim,
  HttpChallenge,
  HttpPayload,
  McpChallenge,
  McpPayload,
  Offer,
  Offers,
  OpenPayment,
  Payload,
  Rail,
  Verdict,
} from './ports/rail.ts'
export type {
  Page,
  PageRequest,
  Store,
  When,
} from './ports/store.ts'
export {
  assertOwnRequest,
  type CancelAuthorization,
  type SigningToken,
  type SignRequest,
  type SignResult,
  signingKeyOf,
  type TransferAuthorization,
  type TypedData,
  typedDataOf,
  type Wallet,
} from './ports/wallet.ts'
export { type CurrentSecretUse, currentSecretUse, type SecretUse } from './signing/secret-use.ts'

/** The ledger's rows, as a store keeps them and a rail reads them. */

export type {
  Approval,
  ApprovalCard,
  ApprovalState,
  AskInput,
  AskRule,
} from './ledger/approval.ts'
export type { Credential, CredentialSecret, KeyInput } from './ledger/credential.ts'
export type {
  Consent,
  Delegation,
  DelegationInput,
  DelegationPermission,
} from './ledger/delegation.ts'
export { type Denial, type DenialCode, denialCodes } from './ledger/denial.ts'
export type { EndUserAccount } from './ledger/end-user-account.ts'
export type {
  Change,
  LedgerState,
  RegisteredInstrument,
  Removed,
  Scope,
} from './ledger/ledger-state.ts'
export type { KnownMerchant, MerchantRule } from './ledger/merchant.ts'
export type { OnceOptions, Operation } from './ledger/operation.ts'
export type {
  Content,
  Delivery,
  Evidence,
  KeyRecord,
  Payment,
  PaymentState,
  Terms,
} from './ledger/payment.ts'
export { type Role, roles } from './ledger/role.ts'
export type { ChildInput, Session, SessionInput } from './ledger/session.ts'

/** The audit trail, and its verification without a guard. */

export type { ArchivedSession } from './audit/archive-file.ts'
export { type Verification, verifyLedger } from './audit/verify.ts'
export { type ArchiveVerification, verifyArchive } from './audit/verify-archive.ts'
export type { AuditEvent, AuditEventType, RecordedCaller } from './ledger/audit-event.ts'
export {
  type AuditHead,
  type AuditRecord,
  archivedBody,
  GENESIS_HASH,
  recordHash,
} from './ledger/audit-record.ts'

/** The one class of errors. */

export { BursarError } from './primitives/errors.ts'
