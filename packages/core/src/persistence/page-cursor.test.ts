import { expect, test } from 'vitest'
import { MAX_PAGE } from '../ports/store.ts'
import { pageBounds, pageOf } from './page-cursor.ts'

test('a cursor leads behind the last row of its page', () => {
  const page = pageOf('payments', [
    { pk: 3n, value: 'a' },
    { pk: 999_999_999_999_999_999n, value: 'b' },
  ])
  expect(page.rows).toEqual(['a', 'b'])
  const bounds = pageBounds('payments', { after: page.cursor })
  expect(bounds).toEqual({ after: 999_999_999_999_999_999n, limit: MAX_PAGE })
})

test('an empty page has no cursor', () => {
  expect(pageOf('audit', [])).toEqual({ rows: [] })
})

test('a page has at most as many rows as a page may have', () => {
  expect(pageBounds('audit', { limit: MAX_PAGE + 1 })).toEqual({ after: 0n, limit: MAX_PAGE })
  expect(pageBounds('audit', { limit: 1 })).toEqual({ after: 0n, limit: 1 })
})

test.each([0, -1, 1.5, Number.NaN, '5' as never])('a limit of %s is refused', (limit) => {
  expect(() => pageBounds('audit', { limit })).toThrow('audit: limit: must be a whole number')
})

test('only a cursor of the same list is read', () => {
  const { cursor = '' } = pageOf('payments', [{ pk: 3n, value: 'a' }])
  const foreign = [
    pageOf('sessions', [{ pk: 3n, value: 'a' }]).cursor ?? '',
    '',
    `${cursor}=`,
    ` ${cursor}`,
    'x'.repeat(65),
    Buffer.from('payments:0').toString('base64url'),
    Buffer.from('payments:03').toString('base64url'),
    Buffer.from('payments:-3').toString('base64url'),
    Buffer.from(`payments:1${'0'.repeat(18)}`).toString('base64url'),
    3 as never,
  ]
  for (const after of foreign) {
    expect(() => pageBounds('payments', { after })).toThrow('after: is not a cursor of this list')
  }
})
