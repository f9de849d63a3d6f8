import { afterEach, beforeEach, expect, type Mock, test, vi } from 'vitest'
import { createConnectionPool } from './connection-pool.ts'
import type { Connection } from './http-exchange.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function connection(): Connection & { readonly close: Mock<Connection['close']> } {
  const place = { origin: 'https://shop.example', address: '8.8.8.8' }
  return { ...place, client: {} as Connection['client'], close: vi.fn<Connection['close']>() }
}

test('a connection is hung up when nobody comes for it', () => {
  const kept = createConnectionPool()
  const [payment, one] = [{}, connection()]
  kept.keep(payment, 'alice', one)
  vi.advanceTimersByTime(1_499)
  expect(one.close).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(one.close).toHaveBeenCalledOnce()
  expect(kept.take(payment, 'alice', one.origin, one.address)).toBe(undefined)
})

test('one that is taken is not hung up, and is taken once', () => {
  const kept = createConnectionPool()
  const [payment, one] = [{}, connection()]
  kept.keep(payment, 'alice', one)
  expect(kept.take(payment, 'alice', one.origin, one.address)).toBe(one)
  expect(kept.take(payment, 'alice', one.origin, one.address)).toBe(undefined)
  vi.advanceTimersByTime(10_000)
  expect(one.close).not.toHaveBeenCalled()
})

test('no more than a hundred wait: the oldest makes room', () => {
  const kept = createConnectionPool()
  const all = Array.from({ length: 102 }, connection)
  for (const one of all) kept.keep({}, 'alice', one)
  expect(all.map(({ close }) => close.mock.calls.length)).toEqual([
    1,
    1,
    ...all.slice(2).map(() => 0),
  ])
  kept.close()
  expect(all.every(({ close }) => close.mock.calls.length === 1)).toBe(true)
})
