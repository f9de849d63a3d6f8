import {
  declarePaymentIdentifierExtension,
  extractAndValidatePaymentIdentifier,
  validatePaymentIdentifierRequirement,
} from '@x402/extensions/payment-identifier'
import { describe, expect, test } from 'vitest'
import { answerExtensions, readExtensions } from './extensions.ts'

const paymentId = `pay_${'0a'.repeat(16)}`
const bazaar = { info: { input: { type: 'http' } }, schema: {} }

function identifier(required: boolean): object {
  return { 'payment-identifier': declarePaymentIdentifierExtension(required) }
}

describe('extensions of a challenge', () => {
  test('are sent back as they came', () => {
    const given = { bazaar, other: { info: { required: false } }, odd: null, text: 'x' }
    expect(readExtensions(given)).toEqual({ extensions: given })
    expect(answerExtensions(given, paymentId)).toEqual(given)
    expect(readExtensions(undefined)).toEqual({})
    expect(readExtensions(null)).toEqual({})
  })

  test.each([true, false])('name the payment where the server asks (required: %s)', (required) => {
    const read = readExtensions(identifier(required))
    const extensions = 'extensions' in read ? (read.extensions ?? {}) : {}
    const payload = { x402Version: 2, extensions: answerExtensions(extensions, paymentId) } as never
    expect(extractAndValidatePaymentIdentifier(payload)).toEqual({
      id: paymentId,
      validation: { valid: true },
    })
    expect(validatePaymentIdentifierRequirement(payload, required)).toEqual({ valid: true })
  })

  test('that are required and not known are a problem', () => {
    const unknown = { ...identifier(true), 'sign-in': { info: { required: true } } }
    expect(readExtensions(unknown)).toEqual({
      problem: 'it requires the extension sign-in, which is not known',
    })
    expect(readExtensions({ 'a\u0007\n€': { info: { required: true } } })).toEqual({
      problem: 'it requires the extension a???, which is not known',
    })
  })

  test('beyond their bound are left out, or a problem where one is required', () => {
    const long = { bazaar: { info: 'x'.repeat(8_200) } }
    expect(readExtensions(long)).toEqual({})
    expect(readExtensions({ ...long, ...identifier(true) })).toEqual({
      problem: 'its extensions are longer than 8192 characters',
    })
  })

  test('that are no object are a problem', () => {
    for (const given of ['x', 1, [bazaar], true]) {
      expect(readExtensions(given)).toEqual({ problem: 'its extensions are no object' })
    }
  })
})
