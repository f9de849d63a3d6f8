/** The session of an agent, and the arguments and results of its calls. */

export type { ApprovalCard } from './ledger/approval.ts'
export type { DenialCode } from './ledger/denial.ts'
export type { OnceOptions } from './ledger/operation.ts'
export type { ChildInput } from './ledger/session.ts'
export { assertPaymentSession } from './session/given-session.ts'
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
export { type OpenedChild, PaymentSession, type SessionPort } from './session/payment-session.ts'
export type { ToolChallenge } from './session/tool-challenge.ts'

/** The tool that a model sees, for adapters of frameworks. */

export { requestId } from './session/request-id.ts'
export {
  type JsonSchemaProperty,
  type ModelReceipt,
  type ModelResult,
  type PayTool,
  payTool,
  toModelResult,
  withoutGuard,
  withoutSession,
} from './session/tool.ts'
export {
  findSession,
  type ToolAnswer,
  type ToolCall,
  type ToolCalls,
  type ToolCallsOptions,
  type ToolContent,
  toolCalls,
} from './session/tool-calls.ts'
export { type ToolRequest, toolRequest } from './session/tool-request.ts'

/** For code that takes a `fetch`. */

export { payingFetch } from './session/paying-fetch.ts'

/** Errors and warnings. */

export { BursarError } from './primitives/errors.ts'
export { warnOperator } from './primitives/operator-warning.ts'
