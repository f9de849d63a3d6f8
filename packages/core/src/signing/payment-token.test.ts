import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { readSessionToken, sessionToken } from '../ledger/bearer-token.ts'
import { BursarError } from '../primitives/errors.ts'
import { equalHashes, hashOf, sha256 } from '../primitives/hash.ts'
import { newId } from '../primitives/id.ts'
import { newSecret } from '../primitives/secret.ts'
import { PAYMENT_TOKEN_LIFE_MS, PaymentToken } from './payment-token.ts'

const NOW = Date.UTC(2030, 0, 1)

describe('sha256', () => {
  test('of a text and of its bytes is the same, lower-case hex', () => {
    const known = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect(sha256('abc')).toBe(known)
    expect(sha256(new TextEncoder().encode('abc'))).toBe(known)
  })
})

describe('hashOf', () => {
  test('parts cannot run into each other, and the kind counts', () => {
    const hashes = [
      hashOf('key', ['a', 'b']),
      hashOf('key', ['ab', '']),
      hashOf('key', ['', 'ab']),
      hashOf('key', ['a","b']),
      hashOf('key', ['a', 'b', '']),
      hashOf('key', ['a', null]),
      hashOf('key', ['a', 'null']),
      hashOf('request', ['a', 'b']),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})

describe('a session token', () => {
  const session = newId('ses')

  test('is read back to its session, and only its hash is stored', () => {
    const { token, tokenHash } = sessionToken(session, newSecret())
    expect(readSessionToken(token)).toEqual({ session, tokenHash })
    expect(tokenHash).toBe(sha256(token))
    expect(tokenHash).not.toContain(token.slice(-43))
  })

  test('has 256 bits, new ones each time', () => {
    const tokens = Array.from({ length: 100 }, () => sessionToken(session, newSecret()).token)
    expect(new Set(tokens).size).toBe(100)
    expect(Buffer.from(tokens[0]?.slice(-43) ?? '', 'base64url')).toHaveLength(32)
  })

  test('in another spelling of the same bits is another token', () => {
    const { token, tokenHash } = sessionToken(session, newSecret())
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = letters.indexOf(token.slice(-1))
    const respelt = `${token.slice(0, -1)}${letters[last ^ 1]}`
    expect(Buffer.from(respelt.slice(-43), 'base64url')).toEqual(
      Buffer.from(token.slice(-43), 'base64url'),
    )
    expect(readSessionToken(respelt)?.tokenHash).not.toBe(tokenHash)
  })

  const { token } = sessionToken(session, newSecret())
  test.each([
    ['nothing', undefined],
    ['an object', { toString: () => token }],
    ['a list', [token]],
    ['an empty text', ''],
    ['the session alone', session],
    ['a blank before', ` ${token}`],
    ['a line end', `${token}\n`],
    ['a letter less', token.slice(0, -1)],
    ['a letter more', `${token}A`],
    ['a letter of plain base64', `${token.slice(0, -1)}+`],
    ['another prefix', token.replace('bursar_', 'bursa_')],
    ['an id of another kind', token.replace('_ses_', '_del_')],
    ['upper case', token.toUpperCase()],
    ['a very long text', `bursar_ses_${'0'.repeat(1_000_000)}`],
  ])('is not %s', (_what, value) => {
    expect(readSessionToken(value)).toBe(undefined)
  })
})

describe('equalHashes', () => {
  const hash = sha256('a')

  test('equals itself, in any case, and no other', () => {
    expect(equalHashes(hash, hash)).toBe(true)
    expect(equalHashes(hash, hash.toUpperCase())).toBe(true)
    expect(equalHashes(hash, sha256('b'))).toBe(false)
    expect(equalHashes(hash, hash.slice(0, -1))).toBe(false)
    expect(equalHashes(hash, `${hash}00`)).toBe(false)
  })

  test.each(['', 'not hex', '00', `${'0'.repeat(63)}x`])('%j equals nothing', (text) => {
    expect(equalHashes(text, text)).toBe(false)
    expect(equalHashes(text, '')).toBe(false)
    expect(equalHashes(hash, text)).toBe(false)
  })
})

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
