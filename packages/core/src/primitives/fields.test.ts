import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { amountField } from '../money/amount-field.ts'
import { BursarError } from './errors.ts'
import { durationField, nameField, parseInputFields, textField } from './fields.ts'

const schema = z.strictObject({
  name: nameField.optional(),
  amount: amountField.optional(),
  text: textField.optional(),
  expiresIn: durationField.optional(),
})

function read(input: unknown): unknown {
  try {
    return parseInputFields(schema, input, 'createThing')
  } catch (error) {
    if (BursarError.isInstance(error) && error.code === 'invalid_input') return error.message
    throw error
  }
}

describe('a duration', () => {
  test.each([
    ['1s', 1_000],
    ['30m', 1_800_000],
    ['8h', 28_800_000],
    ['30d', 2_592_000_000],
    ['3660d', 316_224_000_000],
  ])('%s', (text, durationMs) => {
    expect(read({ expiresIn: text })).toEqual({ expiresIn: durationMs })
  })

  test.each([
    '',
    '0s',
    '-1h',
    '1.5h',
    '1e3s',
    '01h',
    '30',
    'm',
    '30 m',
    '30m ',
    '30m\n',
    '30M',
    '1w',
    '1h30m',
    '3661d',
    '999999d',
    '9999999s',
    '３0m',
  ])('%j is refused', (text) => {
    expect(read({ expiresIn: text })).toBe(
      `createThing: expiresIn: must be a duration such as '30m', '8h' or '30d'.`,
    )
  })

  test('that is no text is refused', () => {
    for (const value of [1_000, 30n, null, ['30m'], Number.POSITIVE_INFINITY]) {
      expect(read({ expiresIn: value })).toContain('createThing: expiresIn: ')
    }
  })
})

describe('a name', () => {
  test.each(['a', 'alice-wallet', 'user@example.com', 'ses_01', 'a.b:c+d', 'A'.repeat(120)])(
    '%s',
    (name) => {
      expect(read({ name })).toEqual({ name })
    },
  )

  test.each([
    '',
    ' ',
    'a b',
    'a/b',
    '../a',
    '-a',
    '_a',
    'a\n',
    'a\0',
    "a'b",
    'a"b',
    '<a>',
    'ä',
    'а',
    'a\u200bb',
    'A'.repeat(121),
  ])('%j is refused', (name) => {
    expect(read({ name })).toContain('createThing: name: ')
  })
})

test('a text is trimmed, not empty and bounded', () => {
  expect(read({ text: '  said yes on the settings page \n' })).toEqual({
    text: 'said yes on the settings page',
  })
  expect(read({ text: 'x'.repeat(1_000) })).toEqual({ text: 'x'.repeat(1_000) })
  for (const text of ['', ' \n\t', 'x'.repeat(1_001), 7]) {
    expect(read({ text })).toContain('createThing: text: ')
  }
})

describe('what is wrong', () => {
  test('is one sentence with the call and the field', () => {
    expect(read({ amount: 'much' })).toBe(
      `createThing: amount: must be a positive decimal string with at most six decimals, such as '0.05'.`,
    )
    expect(read({ amount: 5 })).toBe(
      'createThing: amount: Invalid input: expected string, received number.',
    )
  })

  test('names a field that nobody knows', () => {
    expect(read({ amuont: '1' })).toBe('createThing: its argument: Unrecognized key: "amuont".')
    const hostile = JSON.parse('{"__proto__":{"amount":"1"}}')
    expect(read(hostile)).toContain('__proto__')
  })

  test('is said of an argument that is none', () => {
    for (const input of [undefined, null, 'text', 3, [], () => 0]) {
      expect(read(input)).toContain('createThing: its argument: ')
    }
  })

  test('is told without what was given', () => {
    const secret = 'bursar_ses_secret'
    expect(read({ amount: secret, name: `${secret} ` })).not.toContain(secret)
  })
})
