import type { KnownMerchant } from '../ledger/merchant.ts'
import { isTroubledPayment, type Payment } from '../ledger/payment.ts'

/** Returns the merchant as long as it has a payment that was not released, or undefined. */
export function findPinnedMerchant(merchant: KnownMerchant | undefined): KnownMerchant | undefined {
  return merchant && merchant.payments > 0 ? merchant : undefined
}

/**
 * Counts a payment at its merchant: returns the merchant's row to write, or no row if the counts stay. `before`
 * is the payment as the ledger has it, and undefined for a reservation. A payment pins its payee unless
 * another payee is pinned; at zero payments no payee is pinned.
 */
export function countMerchant(
  merchant: KnownMerchant | undefined,
  before: Payment | undefined,
  after: Payment,
): { readonly merchants?: readonly KnownMerchant[] } {
  const payments = merchantCountChange(isCountedMerchant, before, after)
  const troubled = merchantCountChange(isTroubledPayment, before, after)
  if (payments === 0 && troubled === 0) return {}
  const { delegation, terms } = after
  const { host, payee } = terms
  const unpinned = { payments: 0, troubled: 0, ...merchant, delegation, host, payee }
  const known = payments > 0 ? (findPinnedMerchant(merchant) ?? unpinned) : merchant
  if (!known) return {}
  const counts = { payments: known.payments + payments, troubled: known.troubled + troubled }
  return { merchants: [{ ...known, ...counts }] }
}

function isCountedMerchant({ state }: Payment): boolean {
  return state !== 'released'
}

/** Returns 1 if a condition begins to apply to a payment, -1 if it ceases to, and else 0. */
function merchantCountChange(
  applies: (payment: Payment) => boolean,
  before: Payment | undefined,
  after: Payment,
): number {
  return Number(applies(after)) - Number(before !== undefined && applies(before))
}
