import type { Guard } from '../guard/guard.ts'
import type { Payment } from '../ledger/payment.ts'
import type { Money } from '../session/pay-result.ts'
import type { PaymentToken } from '../signing/payment-token.ts'
import type { Chosen } from './choose-offer.ts'
import type { ParsedCall, ResourceRequest } from './request.ts'

/** A payment that this process has reserved, and alone may sign. */
export interface Held {
  readonly guard: Guard
  readonly call: ParsedCall
  readonly request: ResourceRequest
  readonly chosen: Chosen
  readonly payment: Payment
  readonly token: PaymentToken
  readonly remaining: Money
}
