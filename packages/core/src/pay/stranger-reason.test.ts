import { describe, expect, test } from 'vitest'
import { quoteStranger } from './stranger-reason.ts'

const token = 'Bearer sk_live_51Hq8zXmPqLwT9'

const payload = Buffer.from(
  JSON.stringify({
    x402Version: 2,
    accepted: { scheme: 'exact', network: 'eip155:8453' },
    payload: {
      signature: `0x${'ab12'.repeat(32)}`,
      authorization: { nonce: `0x${'7f'.repeat(32)}` },
    },
    extensions: { note: 'what the merchant asked us to send back' },
  }),
).toString('base64')

const sent = [
  token,
  payload,
  `Basic ${Buffer.from('alice:correct horse').toString('base64')}`,
  'x1',
]

describe('the words of a stranger', () => {
  test.each([
    'insufficient_funds',
    'invalid_exact_evm_payload_authorization_valid_before',
    'The price has changed to 0.02 USD.',
    'x1 is the version',
  ])('are recorded: %s', (words) => {
    expect(quoteStranger(words, sent)).toBe(`"${words}"`)
  })

  test.each([
    ['a header', `bad key ${token}`],
    ['a part of a header', 'bad key live_51Hq8zXm...'],
    ['a header in another case', token.toUpperCase()],
    ['a header with characters between', [...token].join('\u200b')],
    ['a header with spaces between', [...token].join(' ')],
    ['a header as base64', Buffer.from(token).toString('base64')],
    ['what a header is base64 of', 'no such user: alice:correct horse'],
    ['the payload', payload.slice(40, 90)],
    ['the signature', `ab12`.repeat(4)],
    ['the nonce', '7f'.repeat(8)],
    ['a text of the payload', 'you said: what the merchant asked'],
    ['any long number in hex', `see 0x${'9c'.repeat(20)}`],
    ['nothing', ''],
    ['nothing that can be printed', '\u0000\u200b 東京'],
  ])('are left out with %s', (_what, words) => {
    expect(quoteStranger(words, sent)).toBeUndefined()
  })

  test('are short, and printable', () => {
    expect(quoteStranger(`${'a '.repeat(150)}`, [])).toHaveLength(201)
    expect(quoteStranger('pay\u0007 again\n', [])).toBe('"pay again"')
  })

  test('are not compared with a value that is in every text', () => {
    expect(quoteStranger('no more', ['no'])).toBe('"no more"')
    expect(quoteStranger('no more', ['more'])).toBeUndefined()
  })
})
