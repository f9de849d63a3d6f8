import { BursarError } from '../primitives/errors.ts'

/** The decimals of a micro-unit, in which budgets are counted: 1.00 USD is 1_000_000n. */
const MICRO_DECIMALS = 6

/** The most digits before the decimal point: a trillion is more than any budget needs. */
const MAX_WHOLE_DIGITS = 12

/** The most decimals of an asset. EVM tokens use 18, and 36 leaves room. */
const MAX_ASSET_DECIMALS = 36

const amountPattern: RegExp = new RegExp(
  `^(0|[1-9][0-9]{0,${MAX_WHOLE_DIGITS - 1}})(?:\\.([0-9]{1,${MICRO_DECIMALS}}))?$`,
)

/**
 * Parses a positive decimal string such as `'0.05'` into micro-units.
 *
 * Returns undefined for anything but ASCII digits with at most 12 of them before and six after the point:
 * no sign, exponent, blank, separator or leading zero. Returns undefined for zero, too.
 *
 * @example
 * ```ts
 * parseAmount('0.05') // 50000n
 * parseAmount('1e3') // undefined
 * ```
 */
export function parseAmount(text: unknown): bigint | undefined {
  if (typeof text !== 'string') return undefined
  const match = amountPattern.exec(text)
  if (!match) return undefined
  const fraction = (match[2] ?? '').padEnd(MICRO_DECIMALS, '0')
  const micro = BigInt(`${match[1]}${fraction}`)
  return micro > 0n ? micro : undefined
}

/**
 * Writes micro-units as a decimal string with two to six decimals.
 *
 * @example
 * ```ts
 * formatAmount(50_000n) // '0.05'
 * formatAmount(-1n) // '-0.000001'
 * ```
 */
export function formatAmount(micro: bigint): string {
  const sign = micro < 0n ? '-' : ''
  const digits = (micro < 0n ? -micro : micro).toString().padStart(MICRO_DECIMALS + 1, '0')
  const whole = digits.slice(0, -MICRO_DECIMALS)
  const fraction = digits.slice(-MICRO_DECIMALS).replace(/0{1,4}$/, '')
  return `${sign}${whole}.${fraction}`
}

/**
 * Converts an atomic amount of an asset to the micro-units that it takes from a budget, rounded up.
 * Throws `invariant_broken` for a negative amount, or for decimals that are not a whole number from 0 to 36.
 *
 * @example
 * ```ts
 * debitMicro(1n, 18) // 1n
 * debitMicro(50_000n, 6) // 50000n
 * ```
 */
export function debitMicro(atomic: bigint, decimals: number): bigint {
  const { multiply, divide } = findAmountScale(atomic, decimals)
  return (atomic * multiply + divide - 1n) / divide
}

/**
 * Converts an atomic amount of an asset to the micro-units that it gives back to a budget, rounded down.
 * Throws `invariant_broken` for a negative amount, or for decimals that are not a whole number from 0 to 36.
 *
 * @example
 * ```ts
 * creditMicro(1n, 18) // 0n
 * creditMicro(50_000n, 6) // 50000n
 * ```
 */
export function creditMicro(atomic: bigint, decimals: number): bigint {
  const { multiply, divide } = findAmountScale(atomic, decimals)
  return (atomic * multiply) / divide
}

/** Converts micro-units of a budget to the most atomic units that they pay for, rounded down. */
export function atomicAmountWithin(micro: bigint, decimals: number): bigint {
  const { multiply, divide } = findAmountScale(micro, decimals)
  return (micro * divide) / multiply
}

/** Returns the factors between atomic units and micro-units. Throws `invariant_broken` for a bad amount. */
function findAmountScale(atomic: bigint, decimals: number): { multiply: bigint; divide: bigint } {
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

/** Returns the amount or the count. Throws `invariant_broken`, naming `noun`, if it is below zero. */
export function requireNonNegativeAmount(value: bigint, noun: string): bigint {
  if (value >= 0n) return value
  throw new BursarError('invariant_broken', `The ${noun} of an account fell below zero.`)
}
