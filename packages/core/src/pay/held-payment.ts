import type { Guard } from '../guard/guard.ts'
import type { Payment } from '../ledger/payment.ts'
import type { Money } from '../session/pay-result.ts'
import type { PaymentToken } from '../signing/payment-token.ts'
import type { ChosenOffer } from './choose-offer.ts'
import type { ParsedCall, ResourceRequest } from './request.ts'

/** A payment that this process has reserved, and alone may sign. */
export interface HeldPayment {
  readonly guard: Guard
  readonly call: ParsedCall
  readonly request: ResourceRequest
  readonly chosen: ChosenOffer
  readonly payment: Payment
  readonly token: PaymentToken
  readonly remaining: Money
}
