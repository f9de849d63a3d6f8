import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BursarError } from '../primitives/errors.ts'
import { creditMicro, debitMicro, formatAmount, parseAmount } from './amount.ts'

/** The most that can be written: one micro-unit below 10^12 units. */
const MAX_MICRO = 999_999_999_999_999_999n

const budgetMicro = fc.bigInt({ min: 1n, max: MAX_MICRO })

describe('parseAmount', () => {
  test.each([
    ['1', 1_000_000n],
    ['1.0', 1_000_000n],
    ['0.05', 50_000n],
    ['0.000001', 1n],
    ['10.5', 10_500_000n],
    ['999999999999.999999', MAX_MICRO],
  ])('reads %s', (text, micro) => {
    expect(parseAmount(text)).toBe(micro)
  })

  test.each([
    ['nothing', ''],
    ['zero', '0'],
    ['zero with decimals', '0.000000'],
    ['a minus', '-1'],
    ['a plus', '+1'],
    ['an exponent', '1e3'],
    ['hex', '0x10'],
    ['a leading zero', '01'],
    ['two leading zeros', '00.5'],
    ['no whole part', '.5'],
    ['no fraction after the point', '1.'],
    ['seven decimals', '0.0000001'],
    ['thirteen digits', '1000000000000'],
    ['very many digits', '9'.repeat(100_000)],
    ['a comma', '1,5'],
    ['a separator', '1_000'],
    ['a blank before', ' 1'],
    ['a blank after', '1 '],
    ['a line end', '1\n'],
    ['only blanks', '   '],
    ['full-width digits', '１.０'],
    ['Arabic-Indic digits', '١'],
    ['a zero-width space', '1\u200b'],
    ['two points', '1.0.0'],
    ['infinity', 'Infinity'],
    ['not a number', 'NaN'],
    ['a number', 1],
    ['a bigint', 1n],
    ['null', null],
    ['undefined', undefined],
    ['a list', ['1']],
    ['an object that turns into an amount', { toString: () => '1' }],
  ])('refuses %s', (_what, value) => {
    expect(parseAmount(value)).toBe(undefined)
  })
})

describe('formatAmount', () => {
  test.each([
    [0n, '0.00'],
    [1n, '0.000001'],
    [10n, '0.00001'],
    [50_000n, '0.05'],
    [100_000n, '0.10'],
    [1_000_000n, '1.00'],
    [1_230_000n, '1.23'],
    [1_234_500n, '1.2345'],
    [100_000_000n, '100.00'],
    [-1n, '-0.000001'],
    [-1_500_000n, '-1.50'],
    [MAX_MICRO, '999999999999.999999'],
    [10n ** 18n, '1000000000000.00'],
  ])('writes %s', (micro, text) => {
    expect(formatAmount(micro)).toBe(text)
  })

  test('is undone by parseAmount, for every budget', () => {
    fc.assert(
      fc.property(budgetMicro, (micro) => {
        expect(parseAmount(formatAmount(micro))).toBe(micro)
      }),
    )
  })
})

describe('debitMicro and creditMicro', () => {
  test.each([
    { atomic: 10_000n, decimals: 6, debit: 10_000n, credit: 10_000n },
    { atomic: 1n, decimals: 18, debit: 1n, credit: 0n },
    { atomic: 10n ** 12n, decimals: 18, debit: 1n, credit: 1n },
    { atomic: 10n ** 12n + 1n, decimals: 18, debit: 2n, credit: 1n },
    { atomic: 1n, decimals: 2, debit: 10_000n, credit: 10_000n },
    { atomic: 7n, decimals: 0, debit: 7_000_000n, credit: 7_000_000n },
    { atomic: 0n, decimals: 18, debit: 0n, credit: 0n },
    { atomic: 1n, decimals: 36, debit: 1n, credit: 0n },
    { atomic: 10n ** 30n, decimals: 18, debit: 10n ** 18n, credit: 10n ** 18n },
  ])('$atomic with $decimals decimals', ({ atomic, decimals, debit, credit }) => {
    expect(debitMicro(atomic, decimals)).toBe(debit)
    expect(creditMicro(atomic, decimals)).toBe(credit)
  })

  test('a debit is never less than what moves, a credit never more, and both within one', () => {
    const atomic = fc.bigInt({ min: 0n, max: 10n ** 48n })
    fc.assert(
      fc.property(atomic, fc.integer({ min: 0, max: 36 }), (moved, decimals) => {
        const exact = moved * 10n ** 6n
        const unit = 10n ** BigInt(decimals)
        const debit = debitMicro(moved, decimals)
        const credit = creditMicro(moved, decimals)
        expect(debit * unit >= exact && credit * unit <= exact).toBe(true)
        expect((debit - credit) * (debit - credit)).toBe(debit - credit)
      }),
    )
  })

  test('parts are never debited less than their sum', () => {
    const parts = fc.array(fc.bigInt({ min: 0n, max: 10n ** 30n }), { maxLength: 20 })
    fc.assert(
      fc.property(parts, fc.integer({ min: 0, max: 36 }), (amounts, decimals) => {
        const total = amounts.reduce((sum, amount) => sum + amount, 0n)
        const debited = amounts.reduce((sum, amount) => sum + debitMicro(amount, decimals), 0n)
        expect(debited >= debitMicro(total, decimals)).toBe(true)
      }),
    )
  })

  test.each([
    [-1n, 6],
    [1n, -1],
    [1n, 37],
    [1n, 1.5],
    [1n, Number.NaN],
    [1n, Number.POSITIVE_INFINITY],
  ])('%s with %s decimals is no amount', (atomic, decimals) => {
    for (const convert of [debitMicro, creditMicro]) {
      expect(codeOf(() => convert(atomic, decimals))).toBe('invariant_broken')
    }
  })
})

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (BursarError.isInstance(error)) return error.code
    throw error
  }
  return 'nothing was thrown'
}
