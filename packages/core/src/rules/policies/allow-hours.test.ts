import { expect, test } from 'vitest'
import { fakePolicyInput } from '../../testing/fake-policy-input.ts'
import { allowHours } from './allow-hours.ts'

const effectAt = (from: number, until: number, at: number): string =>
  allowHours({ from, until }).evaluate(fakePolicyInput({ at })).effect

const open = (from: number, until: number): number[] =>
  Array.from({ length: 24 }, (_, hour) => hour).filter((hour) => {
    const at = Date.UTC(2030, 0, 1, hour)
    const effects = new Set([effectAt(from, until, at), effectAt(from, until, at + 3_599_999)])
    expect(effects.size).toBe(1)
    return effects.has('allow')
  })

test('is open from the first millisecond of one hour to the last before the other', () => {
  expect(open(8, 18)).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17])
  expect(open(22, 2)).toEqual([0, 1, 22, 23])
  expect(open(0, 24)).toHaveLength(24)
  expect(open(8, 8)).toEqual([])
})

test('is closed at a time that is none', () => {
  expect(effectAt(0, 24, Number.NaN)).toBe('deny')
})

test.each([-1, 25, 1.5, Number.NaN])('%s is no hour', (hour) => {
  const invalid = expect.objectContaining({ code: 'invalid_input' })
  expect(() => allowHours({ from: hour, until: 8 })).toThrow(invalid)
  expect(() => allowHours({ from: 8, until: hour })).toThrow(invalid)
})
