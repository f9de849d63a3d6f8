import type { Authorization, Claim } from '@bursar/core'
import { encodePaymentRequiredHeader, encodePaymentResponseHeader } from '@x402/core/http'
import { describe, expect, test } from 'vitest'
import { readClaim } from './claim.ts'

const payer = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
const transaction = `0x${'Ab'.repeat(32)}`

const body = new Uint8Array()

const authorization = {
  terms: { network: 'eip155:8453', atomic: 10_000n },
  payer: payer.toLowerCase(),
} as Authorization

const success = { success: true, transaction, network: 'eip155:8453', payer }

function read(claim: unknown, name = 'payment-response', status = 200): Claim {
  const header = encodePaymentResponseHeader(claim as never)
  return readClaim({ status, headers: { [name]: header }, body }, authorization)
}

const settled: Claim = { outcome: 'settled', transaction: transaction.toLowerCase() }
const other: Claim = {
  outcome: 'unknown',
  reason: 'The header payment-response is about another payment.',
}

describe('what a response claims', () => {
  test('is settled, in version 2 and version 1, whatever the status', () => {
    expect(read(success)).toEqual(settled)
    expect(read({ ...success, network: 'base' }, 'x-payment-response')).toEqual(settled)
    expect(read(success, 'payment-response', 500)).toEqual(settled)
    expect(read({ ...success, amount: '10000', extensions: {} })).toEqual(settled)
    expect(read({ ...success, payer: undefined })).toEqual(settled)
  })

  test('is unknown where it is about another payment', () => {
    expect(read({ ...success, network: 'eip155:84532' })).toEqual(other)
    expect(read({ ...success, network: 'base-sepolia' })).toEqual(other)
    expect(read({ ...success, payer: `0x${'1'.repeat(40)}` })).toEqual(other)
    expect(read({ ...success, amount: '1' })).toEqual(other)
  })

  test.each([
    ['no transaction', { ...success, transaction: '' }],
    ['a transaction that is none', { ...success, transaction: '0x1234' }],
    ['no network', { ...success, network: undefined }],
    ['success as text', { ...success, success: 'true' }],
    ['no object', [success]],
    ['nothing', null],
  ])('is unknown with %s', (_what, claim) => {
    expect(read(claim)).toEqual({
      outcome: 'unknown',
      reason: 'The header payment-response is malformed.',
    })
    expect(read(claim, 'payment-response', 402)).toMatchObject({ outcome: 'refused' })
  })

  test('is refused with the words of the server, apart from our own', () => {
    const failure = { success: false, transaction: '', network: 'eip155:8453' }
    const refused = (errorReason?: unknown): unknown => read({ ...failure, errorReason })
    const own = { outcome: 'refused', reason: 'The server says that the payment failed.' }
    expect(refused('insufficient_funds')).toEqual({ ...own, says: 'insufficient_funds' })
    expect(refused()).toEqual(own)
    expect(refused('Pay again')).toEqual({ ...own, says: 'Pay again' })
  })

  test('has the reason of a second challenge, wherever that stands', () => {
    const again = { outcome: 'refused', reason: 'The server asked for payment again.' }
    const challenge = { x402Version: 2, error: 'invalid_signature', accepts: [] }
    const header = encodePaymentRequiredHeader(challenge as never)
    const read = (headers: Record<string, string>, text: string): Claim =>
      readClaim({ status: 402, headers, body: new TextEncoder().encode(text) }, authorization)
    const said = { ...again, says: 'invalid_signature' }
    expect(read({ 'payment-required': header }, '')).toEqual(said)
    expect(read({}, JSON.stringify(challenge))).toEqual(said)
    expect(read({}, JSON.stringify({ ...challenge, error: 7 }))).toEqual(again)
    expect(read({}, 'Payment Required')).toEqual(again)
    const message = { result: { isError: true, structuredContent: challenge } }
    expect(readClaim({ message }, authorization)).toEqual(said)
  })

  test('is refused where payment is asked for again, and unknown where nothing is said', () => {
    const silent = (status: number): Claim =>
      readClaim({ status, headers: {}, body }, authorization)
    expect(silent(402)).toEqual({
      outcome: 'refused',
      reason: 'The server asked for payment again.',
    })
    expect(silent(200)).toEqual({ outcome: 'unknown', reason: 'The response makes no claim.' })
    expect(silent(500)).toEqual({ outcome: 'unknown', reason: 'The response makes no claim.' })
    const headers = { 'payment-response': '*** no base64 ***' }
    expect(readClaim({ status: 200, headers, body }, authorization)).toMatchObject({
      outcome: 'unknown',
    })
  })
})
