import { expect, test } from 'vitest'
import { hasSameFields, omitNullFields, pickFields } from './row-fields.ts'

test('a field that is undefined is not picked', () => {
  const value: { a?: number; b: number; c: number } = { b: 1, c: 2 }
  expect(pickFields(value, ['a', 'b'])).toStrictEqual({ b: 1 })
})

test('a column that is null is no field', () => {
  expect(omitNullFields({ a: null, b: 0, c: '', d: false })).toStrictEqual({
    b: 0,
    c: '',
    d: false,
  })
})

test('fields are compared by identity', () => {
  const one = { a: [1], b: 1 }
  expect(hasSameFields(one, { ...one, b: 2 }, ['a'])).toBe(true)
  expect(hasSameFields(one, { a: [1], b: 1 }, ['a'])).toBe(false)
})
