import type { McpPayload } from '../ports/rail.ts'
import type { HeldPayment } from './held-payment.ts'

/** The most payloads that may wait for an answer. Beyond it the oldest are forgotten, in doubt. */
const MAX_PAYLOADS = 1_000

/**
 * The time after a payload's expiry for which its answer is still read: a tool may work for a
 * while.
 */
const HEARD_AFTER_MS = 600_000

/** A payload that a caller was given to send. */
export interface HandedOut {
  readonly held: HeldPayment
  readonly payload: McpPayload
}

/**
 * The payloads that this process has handed out, and whose answers it has not read. They are in memory
 * only: a payload is money, and no store may have it.
 */
export interface UnansweredPayloads {
  /** Keeps a payload without the body of its request, and drops those whose time is over. */
  keep(handedOut: HandedOut, now: number): void
  /** Returns the payload of a payment, or undefined once it has expired. */
  find(payment: string, now: number): HandedOut | undefined
  /** Removes and returns the payload of a payment, which is answered now. */
  take(payment: string): HandedOut | undefined
}

export function createUnansweredPayloads(): UnansweredPayloads {
  const kept = new Map<string, HandedOut>()
  return {
    keep: ({ held, payload }, now) => {
      for (const [id, one] of kept)
        if (now >= payloadExpiryTime(one) + HEARD_AFTER_MS) kept.delete(id)
      const { body: _body, ...request } = held.request
      kept.set(held.payment.id, { held: { ...held, request }, payload })
      if (kept.size > MAX_PAYLOADS) kept.delete(`${kept.keys().next().value}`)
    },
    find: (payment, now) => {
      const found = kept.get(payment)
      return found && now < payloadExpiryTime(found) ? found : undefined
    },
    take: (payment) => {
      const found = kept.get(payment)
      kept.delete(payment)
      return found
    },
  }
}

function payloadExpiryTime({ held }: HandedOut): number {
  return held.payment.validBefore * 1_000
}
