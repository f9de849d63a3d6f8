import type { McpProof } from '../ports/rail.ts'
import type { Held } from './held-payment.ts'

/** Proofs that wait for their answer at the same time; the oldest are forgotten, and stay in doubt. */
const MAX_PAYLOADS = 1_000

/** How long after its proof has expired an answer is still heard: a tool may work for a while. */
const HEARD_AFTER_MS = 600_000

/** A proof that a caller was given to send by itself. */
export interface HandedOut {
  readonly held: Held
  readonly proof: McpProof
}

/**
 * The proofs that this process has handed out and whose answers it has not heard. They are in
 * memory only: a proof is money, and no store may have it.
 */
export interface UnansweredPayloads {
  /** Keeps a proof without the body of its request, and forgets those that nobody answers any more. */
  keep(handedOut: HandedOut, now: number): void
  /** The proof of a payment, as long as the chain would take it. */
  find(payment: string, now: number): HandedOut | undefined
  /** The same, once: after it the payment has been answered. */
  take(payment: string): HandedOut | undefined
}

export function createUnansweredPayloads(): UnansweredPayloads {
  const kept = new Map<string, HandedOut>()
  return {
    keep: ({ held, proof }, now) => {
      for (const [id, one] of kept) if (now >= expiryOf(one) + HEARD_AFTER_MS) kept.delete(id)
      const { body: _body, ...request } = held.request
      kept.set(held.payment.id, { held: { ...held, request }, proof })
      if (kept.size > MAX_PAYLOADS) kept.delete(`${kept.keys().next().value}`)
    },
    find: (payment, now) => {
      const found = kept.get(payment)
      return found && now < expiryOf(found) ? found : undefined
    },
    take: (payment) => {
      const found = kept.get(payment)
      kept.delete(payment)
      return found
    },
  }
}

function expiryOf({ held }: HandedOut): number {
  return held.payment.validBefore * 1_000
}
