import { parseAmount, type RecordedLimits } from '@bursar/core'
import type { Merchant, ModelPayment } from './model-payment.ts'

const spanMs: Readonly<Record<string, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  'utc-day': 86_400_000,
}

/** Returns whether a payment went to a merchant. */
export function isAt(paid: ModelPayment, { host, payee }: Merchant): boolean {
  return paid.host === host && paid.payee === payee
}

/** Returns the limit that a payment would exceed, given the payments that count already. */
export function overLimits(
  limits: Partial<RecordedLimits>,
  paid: ModelPayment,
  counted: readonly ModelPayment[],
  begunAt: (per: string) => number,
  at: number,
): string | undefined {
  const sum = (some: readonly ModelPayment[]): bigint =>
    some.reduce((total, one) => total + one.micro, paid.micro)
  if (limits.perPayment !== undefined && paid.micro > micro(limits.perPayment)) {
    return 'limit per payment'
  }
  if (limits.total !== undefined && sum(counted) > micro(limits.total)) return 'total'
  if (limits.payments !== undefined && counted.length + 1 > limits.payments) {
    return 'number of payments'
  }
  for (const window of limits.windows ?? []) {
    const width = spanMs[window.per] ?? 0
    const from = window.per === 'utc-day' ? Math.floor(at / width) * width : at - width + 1
    const since = Math.max(from, begunAt(window.per))
    const inside = counted.filter(({ countedAt }) => countedAt >= since)
    const isOver =
      (window.amount !== undefined && sum(inside) > micro(window.amount)) ||
      (window.payments !== undefined && inside.length + 1 > window.payments)
    if (isOver) return `limit per ${window.per}`
  }
  return undefined
}

/** Returns a recorded amount in micro-units. */
export function micro(amount: string): bigint {
  return amount === '0.00' ? 0n : (parseAmount(amount) ?? -1n)
}

/** The sums that an account's status must show. */
export interface Sums {
  readonly settledMicro: bigint
  readonly heldMicro: bigint
  readonly payments: number
}

/** Returns the sums of payments, those released apart. */
export function sumsOf(all: readonly ModelPayment[]): Sums {
  const counted = all.filter(({ state }) => state !== 'released')
  const settled = counted.filter(({ state }) => state === 'settled')
  const sum = (some: readonly ModelPayment[]): bigint =>
    some.reduce((total, one) => total + one.micro, 0n)
  return {
    settledMicro: sum(settled),
    heldMicro: sum(counted) - sum(settled),
    payments: counted.length,
  }
}
