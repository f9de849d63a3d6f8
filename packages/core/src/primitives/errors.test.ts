import { expect, test } from 'vitest'
import { BursarError } from './errors.ts'

test('keeps its code and its cause', () => {
  const cause = new Error('disk full')
  const error = new BursarError('store_failed', 'The store could not be written.', { cause })
  expect([error.code, error.cause, error.name]).toEqual(['store_failed', cause, 'BursarError'])
})

test('is recognised across copies of the package, and nothing else is', () => {
  class OtherCopy extends Error {
    constructor() {
      super('other')
      Object.defineProperty(this, Symbol.for('bursar.error'), { value: true })
    }
  }
  expect(BursarError.isInstance(new OtherCopy())).toBe(true)
  expect(BursarError.isInstance(new Error('x'))).toBe(false)
  expect(BursarError.isInstance({ [Symbol.for('bursar.error')]: true })).toBe(false)
})
