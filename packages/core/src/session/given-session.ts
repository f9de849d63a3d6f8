import { BursarError } from '../primitives/errors.ts'
import { PaymentSession } from './payment-session.ts'

/**
 * Checks that an application gave a payment session. Throws `invalid_input` in the name of `source`, the function
 * that was called, with what was given and the way to a session.
 *
 * @example
 * ```ts
 * import type { PaymentSession } from '@bursar/core/session'
 * import { assertPaymentSession } from '@bursar/core/session'
 *
 * export function payingTool(session: PaymentSession): void {
 *   assertPaymentSession('payingTool', session)
 * }
 * ```
 */
export function assertPaymentSession(
  source: string,
  given: unknown,
): asserts given is PaymentSession {
  if (PaymentSession.is(given)) return
  const text = `${source}: session: is ${describeGivenSession(given)}`
  throw new BursarError('invalid_input', text)
}

/** Completes "session: is …" with what was given in place of a session, and the way out. */
export function describeGivenSession(given: unknown): string {
  if (given === undefined || given === null) {
    return 'nothing. Give it the session of openWallet or openSession.'
  }
  if (typeof given === 'string')
    return 'a text. Open the session of a token with openSession(token).'
  if (typeof given !== 'object') return `a ${typeof given}, and no PaymentSession.`
  if (typeof Reflect.get(given, 'then') === 'function') return 'a promise. Wait for it with await.'
  if (typeof Reflect.get(given, 'token') === 'string') {
    return 'the result of createSession. Open it with openSession(token).'
  }
  return 'no PaymentSession; a copy or a plain object is not believed.'
}
