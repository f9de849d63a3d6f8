import { BursarError } from '../primitives/errors.ts'

/** Budgets count millionths of a currency unit: 1.00 USD is 1_000_000n. */
const MICRO_DECIMALS = 6

/** Longest whole part of an amount that people write: a trillion is more than any budget needs. */
const MAX_WHOLE_DIGITS = 12

/** Most decimals that an asset may have; 18 is what EVM tokens use, and 36 leaves room. */
const MAX_ASSET_DECIMALS = 36

const amountPattern: RegExp = new RegExp(
  `^(0|[1-9][0-9]{0,${MAX_WHOLE_DIGITS - 1}})(?:\\.([0-9]{1,${MICRO_DECIMALS}}))?$`,
)

/**
 * Reads a positive decimal string such as `'0.05'` into micro-units, or answers `undefined`.
 *
 * Only ASCII digits with at most six decimals; no sign, exponent, blank, separator or leading zero,
 * and not zero: an amount that people mean is above nothing.
 */
export function parseAmount(text: unknown): bigint | undefined {
  if (typeof text !== 'string') return undefined
  const match = amountPattern.exec(text)
  if (!match) return undefined
  const fraction = (match[2] ?? '').padEnd(MICRO_DECIMALS, '0')
  const micro = BigInt(`${match[1]}${fraction}`)
  return micro > 0n ? micro : undefined
}

/** Writes micro-units as a decimal string with at least two decimals: `50000n` is `'0.05'`. */
export function formatAmount(micro: bigint): string {
  const sign = micro < 0n ? '-' : ''
  const digits = (micro < 0n ? -micro : micro).toString().padStart(MICRO_DECIMALS + 1, '0')
  const whole = digits.slice(0, -MICRO_DECIMALS)
  const fraction = digits.slice(-MICRO_DECIMALS).replace(/0{1,4}$/, '')
  return `${sign}${whole}.${fraction}`
}

/** Micro-units that an atomic amount debits from a budget: rounded up, never too little. */
export function debitMicro(atomic: bigint, decimals: number): bigint {
  const { multiply, divide } = scale(atomic, decimals)
  return (atomic * multiply + divide - 1n) / divide
}

/** Micro-units that an atomic amount credits to a budget: rounded down, never too much. */
export function creditMicro(atomic: bigint, decimals: number): bigint {
  const { multiply, divide } = scale(atomic, decimals)
  return (atomic * multiply) / divide
}

/** The most atomic units that debit no more than these micro-units: rounded down. */
export function atomicWithin(micro: bigint, decimals: number): bigint {
  const { multiply, divide } = scale(micro, decimals)
  return (micro * divide) / multiply
}

function scale(atomic: bigint, decimals: number): { multiply: bigint; divide: bigint } {
  if (atomic < 0n || !Number.isInteger(decimals) || decimals < 0 || decimals > MAX_ASSET_DECIMALS) {
    throw new BursarError(
      'invariant_broken',
      `Atomic amount ${atomic} with ${decimals} decimals is not an amount of money.`,
    )
  }
  const difference = decimals - MICRO_DECIMALS
  return difference >= 0
    ? { multiply: 1n, divide: 10n ** BigInt(difference) }
    : { multiply: 10n ** BigInt(-difference), divide: 1n }
}
