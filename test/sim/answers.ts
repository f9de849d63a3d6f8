import { BursarError, type PayResult } from '@bursar/core'
import { type Asked, type Model, rootOf } from './model.ts'
import { canMove, hasMoved, type Truth } from './truth.ts'

/**
 * Returns a sentence if a thrown error is none that callers have to expect, such as a broken
 * invariant.
 */
export function wrongError(label: string, error: unknown): string | undefined {
  const isExpected = BursarError.isInstance(error) && error.code !== 'invariant_broken'
  return isExpected ? undefined : `${label} threw ${String(error)}`
}

/** Checks invariant L12, and the statements of answers about money. */
export function wrongAnswer(
  truth: Truth,
  model: Model,
  asked: ReadonlyMap<string, Asked>,
  name: string,
  result: PayResult,
): string | undefined {
  const call = asked.get(name)
  if (!call) return `${name} was never made`
  const own = [...model.payments.values()].find((paid) => paid.call === name)
  switch (result.status) {
    case 'paid':
    case 'undelivered': {
      const paid = model.payments.get(result.receipt.paymentId)
      const isSame = paid !== undefined && asked.get(paid.call)?.url === call.url
      const isOwn = paid?.session.id === call.session
      // A request that was paid and not delivered is answered so in its whole delegation.
      const isTheirs =
        result.status === 'undelivered' &&
        paid?.delegation === rootOf(model.accounts.get(call.session))
      if (!isSame || !(isOwn || isTheirs)) return `L12: ${name} got the receipt of something else`
      if (result.receipt.settlement === 'settled' && !hasMoved(truth, paid)) {
        return `L7: ${name} heard of a settlement that never was`
      }
      return isOwn ? model.answered(call, paid.id) : undefined
    }
    case 'denied':
    case 'approval_required':
    case 'free':
      return own && `L12: ${name} is ${result.status}, and has reserved`
    case 'failed': {
      const isLate = own && truth.late.has(own.nonce)
      const isOpen = own && !isLate && (canMove(truth, own) || hasMoved(truth, own))
      return isOpen ? `L7: ${name} is failed, and its money moved or can move` : undefined
    }
    case 'in_doubt':
    case 'in_progress':
      return undefined
    default:
      return result satisfies never
  }
}
