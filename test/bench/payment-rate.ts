import type { Store } from '@bursar/core'
import type { Account } from './accounts.ts'
import { payment } from './payment.ts'

/** The number of payers, and the time for which they pay. */
export interface Payers {
  readonly payers: number
  readonly forMs: number
  /** The sessions, over which the payments are spread in turn. */
  readonly accounts: readonly Account[]
}

/**
 * Measures payments per second. Each payer starts a payment when its last reservation is durable.
 * The clock stops when the claims and proofs of all payments are durable.
 */
export async function paymentRate(
  store: Store,
  { payers, forMs, accounts }: Payers,
): Promise<{ readonly rate: number; readonly paid: number }> {
  const startedAt = performance.now()
  const followUps = new Set<Promise<unknown>>()
  let paid = 0
  const payer = async (): Promise<void> => {
    while (performance.now() - startedAt < forMs) {
      const account = accounts[paid % accounts.length]
      if (!account) throw new Error('There is nothing to pay from.')
      paid += 1
      const { followUp } = await payment(store, account.session)
      const ended: Promise<unknown> = followUp.finally(() => followUps.delete(ended))
      followUps.add(ended)
    }
  }
  await Promise.all(Array.from({ length: payers }, payer))
  await Promise.all(followUps)
  return { rate: (paid * 1_000) / (performance.now() - startedAt), paid }
}
