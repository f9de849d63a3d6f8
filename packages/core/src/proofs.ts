import type { Held } from './execute.ts'
import type { McpProof } from './rail.ts'

/** Proofs that wait for their answer at the same time; the oldest are forgotten, and stay in doubt. */
const MAX_PROOFS = 1_000

/** A proof that a caller was given to send by itself. */
export interface HandedOut {
  readonly held: Held
  readonly proof: McpProof
}

/**
 * The proofs that this process has handed out and whose answers it has not heard. They are in
 * memory only: a proof is money, and no store may have it.
 */
export interface Proofs {
  keep(handedOut: HandedOut): void
  /** The proof of a payment, as long as the chain would take it. */
  find(payment: string, now: number): HandedOut | undefined
  /** The same, once: after it the payment has been answered. */
  take(payment: string): HandedOut | undefined
}

export function createProofs(): Proofs {
  const kept = new Map<string, HandedOut>()
  return {
    keep: (handedOut) => {
      kept.set(handedOut.held.payment.id, handedOut)
      if (kept.size > MAX_PROOFS) kept.delete(`${kept.keys().next().value}`)
    },
    find: (payment, now) => {
      const found = kept.get(payment)
      return found && now < found.held.payment.validBefore * 1_000 ? found : undefined
    },
    take: (payment) => {
      const found = kept.get(payment)
      kept.delete(payment)
      return found
    },
  }
}
