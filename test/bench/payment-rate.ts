import type { Store } from '@bursar/core'
import type { Account } from './accounts.ts'
import { payment } from './payment.ts'

/** A number of payers, and how long they pay. */
export interface Payers {
  readonly payers: number
  readonly forMs: number
  /** The payments take turns at these. */
  readonly accounts: readonly Account[]
}

/**
 * Measures how many payments a second some payers make. Each payer begins a payment when the reservation of
 * the one before is durable. The clock stops when claim and proof of the last payments are durable as well.
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
