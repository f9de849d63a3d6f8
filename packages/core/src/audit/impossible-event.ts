import { formatAmount, parseAmount } from '../money/amount.ts'
import { BursarError } from '../primitives/errors.ts'

/** A record that the ledger cannot have written, and why. */
export function impossibleEvent(why: string): BursarError {
  return new BursarError('invariant_broken', why)
}

/** Micro-units of an amount as it was recorded; zero is one. Throws for what is none. */
export function recordedMicro(amount: string): bigint {
  const micro = amount === formatAmount(0n) ? 0n : parseAmount(amount)
  if (micro === undefined) throw impossibleEvent('its amount cannot be read')
  return micro
}
