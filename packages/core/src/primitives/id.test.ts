import { expect, test } from 'vitest'
import { newId } from './id.ts'

test('ids sort in the order in which they were made, and none is made twice', () => {
  // More than one page of random bytes, and many in each millisecond.
  const ids = Array.from({ length: 5_000 }, () => newId('pay'))
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
})

test('an id is a UUID of version 7 with the time in front', () => {
  const before = Date.now()
  const id = newId('ses')
  expect(id).toMatch(/^ses_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/)
  const at = Number.parseInt(id.slice(4, 16), 16)
  // Ids of one process never go back, so the time may be ahead where very many were made.
  expect(at).toBeGreaterThanOrEqual(before)
  expect(at).toBeLessThan(before + 60_000)
})

test('ids of two processes in one millisecond differ in most of their bits by chance', () => {
  const tails = Array.from({ length: 1_000 }, () => newId('apr').slice(-10))
  expect(new Set(tails).size).toBe(tails.length)
})
