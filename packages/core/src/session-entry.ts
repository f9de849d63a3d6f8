export type { ApprovalCard } from './ledger/approval.ts'
export type { DenialCode } from './ledger/denial.ts'
export type { ChildInput } from './ledger/session.ts'
export type { OnceOptions } from './once.ts'
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
} from './pay-result.ts'
export { payingFetch } from './paying-fetch.ts'
export { type OpenedChild, PaymentSession, type SessionPort } from './payment-session.ts'
export { BursarError } from './primitives/errors.ts'
export { warnOperator } from './primitives/operator-warning.ts'
export { requestId } from './request-id.ts'
export {
  type JsonSchemaProperty,
  MAX_MODEL_CONTENT_CHARACTERS,
  type ModelReceipt,
  type ModelResult,
  type PayTool,
  payTool,
  toModelResult,
  withoutGuard,
  withoutSession,
} from './tool.ts'
export {
  findSession,
  type ToolAnswer,
  type ToolCall,
  type ToolCalls,
  type ToolCallsOptions,
  type ToolContent,
  toolCalls,
} from './tool-calls.ts'
export type { ToolChallenge } from './tool-challenge.ts'
export { type ToolRequest, toolRequest } from './tool-request.ts'
