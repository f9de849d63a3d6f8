import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { payingState } from '../ledger/paying-state.ts'
import { isUndeliveredPayment, owedPayment, type Payment } from '../ledger/payment.ts'
import { BursarError } from '../primitives/errors.ts'
import { paymentSubject } from './payment-transitions.ts'

/** How long the end user's word that an undelivered request may be paid for once more holds. */
const REPEAT_PERMISSION_MS = 900_000

/**
 * Allows the request of an undelivered payment once more, at its price at most. The state is that of the
 * payment and its request's hash. Throws `payment_unknown` if it belongs to another end user,
 * `payment_not_undelivered` if nothing is known to be owed for it, and `payment_repeated` if its request
 * was paid for again since.
 */
export function allowRepeat(
  loaded: LedgerState,
  { payment: id, endUser, reason }: RepeatPermission,
  now: number,
): Change<Payment> {
  const { payment, twin } = loaded
  if (payment?.endUser !== endUser) {
    throw new BursarError('payment_unknown', `allowAgain: payment: there is no payment ${id}.`)
  }
  if (!isUndeliveredPayment(payment)) {
    const problem = `is ${payment.state}, and nothing is known to be undelivered`
    throw new BursarError('payment_not_undelivered', `allowAgain: payment: ${id} ${problem}.`)
  }
  if (!twin || owedPayment(twin) !== id) {
    const problem = `its request was paid for again, by ${twin?.id ?? 'a payment that is archived'}`
    throw new BursarError('payment_repeated', `allowAgain: payment: ${id}: ${problem}.`)
  }
  const until = now + REPEAT_PERMISSION_MS
  const next: Payment = { ...twin, allowedAgainUntil: until }
  return {
    result: id === twin.id ? next : payment,
    payments: [next],
    events: [
      {
        type: 'payment-repeat-allowed',
        ...paymentSubject(payingState(loaded), next),
        undelivered: id,
        until,
        ...(reason === undefined ? {} : { reason }),
      },
    ],
  }
}

/** The end user's word that an undelivered payment's request may be paid for once more. */
export interface RepeatPermission {
  readonly payment: string
  readonly endUser: string
  readonly reason?: string | undefined
}
