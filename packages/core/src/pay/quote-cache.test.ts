import { expect, test } from 'vitest'
import type { QuoteResult } from '../session/pay-result.ts'
import { createQuoteCache } from './quote-cache.ts'

const result: QuoteResult = { status: 'failed', message: 'm' }

test('answers the same request for a minute, and no other', () => {
  const quotes = createQuoteCache()
  quotes.keep('session key', 'request', result, 1_000)
  expect(quotes.find('session key', 'request', 60_999)).toBe(result)
  expect(quotes.find('session key', 'request', 61_000)).toBeUndefined()
  expect(quotes.find('session key', 'other', 1_000)).toBeUndefined()
  expect(quotes.find('other key', 'request', 1_000)).toBeUndefined()
})

test('remembers so many, and the oldest give way', () => {
  const quotes = createQuoteCache()
  for (let index = 0; index <= 1_000; index += 1) quotes.keep(`${index}`, 'request', result, 0)
  expect(quotes.find('0', 'request', 0)).toBeUndefined()
  expect(quotes.find('1', 'request', 0)).toBe(result)
})
