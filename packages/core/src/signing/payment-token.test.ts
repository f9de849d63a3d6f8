import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { BursarError } from '../primitives/errors.ts'
import { PAYMENT_TOKEN_LIFE_MS, PaymentToken } from './payment-token.ts'

const NOW = Date.UTC(2030, 0, 1)

describe('a payment token', () => {
  const paymentOf = (token: PaymentToken, tokenExpiresAt = NOW + PAYMENT_TOKEN_LIFE_MS) => ({
    tokenHash: token.hash,
    tokenExpiresAt,
  })

  test('lives for sixty seconds at most', () => {
    expect(PAYMENT_TOKEN_LIFE_MS).toBe(60_000)
  })

  test('is redeemed once', () => {
    const token = new PaymentToken()
    expect(token.redeemed).toBe(false)
    token.redeem(paymentOf(token), NOW)
    expect(token.redeemed).toBe(true)
    expect(codeOf(() => token.redeem(paymentOf(token), NOW))).toBe('payment_token_redeemed')
  })

  test('is alive one millisecond before its end, and dead at it', () => {
    const early = new PaymentToken()
    early.redeem(paymentOf(early), NOW + PAYMENT_TOKEN_LIFE_MS - 1)
    expect(early.redeemed).toBe(true)
    const late = new PaymentToken()
    expect(codeOf(() => late.redeem(paymentOf(late), NOW + PAYMENT_TOKEN_LIFE_MS))).toBe(
      'payment_token_expired',
    )
    expect(late.redeemed).toBe(false)
  })

  test('of another payment is refused, and not used up by that', () => {
    const [token, other] = [new PaymentToken(), new PaymentToken()]
    expect(codeOf(() => token.redeem(paymentOf(other), NOW))).toBe('payment_token_invalid')
    expect(codeOf(() => token.redeem({ ...paymentOf(token), tokenHash: '' }, NOW))).toBe(
      'payment_token_invalid',
    )
    token.redeem(paymentOf(token), NOW)
    expect(token.redeemed).toBe(true)
  })

  test('shows its hash and nothing more', () => {
    const token = new PaymentToken()
    expect(JSON.parse(JSON.stringify(token))).toEqual({ hash: token.hash })
    expect(structuredClone({ ...token })).toEqual({ hash: token.hash })
    expect(inspect(token, { showHidden: true, depth: 9 })).not.toMatch(/Buffer|secret/i)
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
