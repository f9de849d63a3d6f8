import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { withinDeadline } from './deadline.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('answers what comes in time, and leaves no timer', async () => {
  expect(await withinDeadline(Promise.resolve(7), 100)).toBe(7)
  await expect(withinDeadline(Promise.reject(new Error('no')), 100)).rejects.toThrow('no')
  expect(vi.getTimerCount()).toBe(0)
})

test('throws at the end of the time, not before', async () => {
  const waiting = withinDeadline(new Promise(() => {}), 100)
  const failed = expect(waiting).rejects.toMatchObject({ code: 'timed_out' })
  await vi.advanceTimersByTimeAsync(99)
  expect(vi.getTimerCount()).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  await failed
  expect(vi.getTimerCount()).toBe(0)
})

test('throws as soon as nobody waits any more, and leaves nothing behind', async () => {
  const stop = new AbortController()
  const forgotten = vi.spyOn(stop.signal, 'removeEventListener')
  const waiting = withinDeadline(new Promise(() => {}), 100, stop.signal)
  stop.abort(new Error('closing'))
  await expect(waiting).rejects.toThrow('closing')
  await expect(withinDeadline(new Promise(() => {}), 100, stop.signal)).rejects.toThrow('closing')
  expect(vi.getTimerCount()).toBe(0)
  expect(forgotten).toHaveBeenCalledTimes(2)
})
