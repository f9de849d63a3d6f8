import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { openSecret } from './opened-secret.ts'

test('gives its text and its members until it is overwritten', () => {
  const value = Buffer.from('{"id":"canary-id","secret":"canary-secret"}')
  const { secret, forget, isInvalid } = openSecret('cdp', value)
  expect(secret.text()).toContain('canary-id')
  expect(secret.fields('secret')).toEqual({ secret: 'canary-secret' })
  expect(isInvalid()).toBe(false)
  forget()
  expect(value.every((byte) => byte === 0)).toBe(true)
  const forgotten = expect.objectContaining({ code: 'secret_forgotten' })
  expect(() => secret.text()).toThrow(forgotten)
  expect(() => secret.fields('id')).toThrow(forgotten)
})

test.each([
  'canary',
  '"canary"',
  '["canary"]',
  '{"id":7}',
  '{"id":{"canary":"x"}}',
  '{"other":"canary"}',
  'null',
  '',
])('the error for a member missing from %j names the member and quotes nothing', (text) => {
  const { secret, isInvalid } = openSecret('cdp', Buffer.from(text))
  const read = (field: string): unknown => {
    try {
      return secret.fields(field)
    } catch (error) {
      return error
    }
  }
  for (const field of ['id', '__proto__', 'toString']) {
    expect(read(field)).toMatchObject({
      code: 'secret_invalid',
      message: `vault: cdp has no text called ${field}. Put it as a JSON object of strings.`,
    })
    expect(inspect(read(field), { depth: 9, showHidden: true })).not.toContain('canary')
  }
  expect(isInvalid()).toBe(true)
})

test('reveals nothing when it is printed or serialised', () => {
  const { secret } = openSecret('cdp', Buffer.from('canary'))
  const shown = inspect(secret, { depth: 9, showHidden: true }) + JSON.stringify(secret)
  expect(shown).not.toContain('canary')
})
