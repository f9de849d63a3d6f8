export type { Denial, DenialCode } from './denial.ts'
export { BursarError } from './errors.ts'
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
export { PaymentSession, type SessionPort } from './payment-session.ts'
