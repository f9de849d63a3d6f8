import { randomBytes } from 'node:crypto'
import { BursarError } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import {
  createSealingKey,
  type SealedSecret,
  type SecretBinding,
  sealedFields,
  sealSecret,
  unsealSecret,
  unwrapSealingKey,
  wrapSealingKey,
} from './sealed-secret.ts'

const binding: SecretBinding = { name: 'cdp', version: 2, purpose: 'wallet' }
const dataKey = createSealingKey()
const value = Buffer.from('the secret of the wallet')
const sealed = sealSecret(dataKey, binding, value)

/** Bindings that differ from the sealed one in one field. */
const otherBindings: [string, SecretBinding][] = [
  ['another name', { ...binding, name: 'cdp2' }],
  ['another version', { ...binding, version: 1 }],
  ['a version as text', { ...binding, version: '2' as unknown as number }],
  ['another purpose', { ...binding, purpose: 'webhook' as 'wallet' }],
  ['a name that holds the version', { ...binding, name: 'cdp",2,"' }],
]

const expectedMessage =
  'vault: version 2 of cdp cannot be opened: it was changed, cut, swapped or sealed with ' +
  'another key. Put the secret again.'

function readMessage(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (BursarError.isInstance(error)) return `${error.code}: ${error.message}`
    return `another error: ${String(error)}`
  }
  return 'opened'
}

function flipBit(text: string, at: number): string {
  const bytes = Buffer.from(text, 'base64')
  bytes.writeUInt8((bytes.readUInt8(at) ^ 1) & 0xff, at)
  return bytes.toString('base64')
}

describe('a sealed secret', () => {
  test('opens with its data key and its binding', () => {
    expect(unsealSecret(dataKey, binding, sealed)).toEqual(value)
    expect(JSON.stringify(sealed)).not.toContain(value.toString('base64').slice(0, 8))
  })

  test('differs each time the value is sealed', () => {
    const again = sealSecret(dataKey, binding, value)
    expect(again.nonce).not.toBe(sealed.nonce)
    expect(again.ciphertext).not.toBe(sealed.ciphertext)
  })

  test.each(otherBindings)('does not open with the binding of %s', (_what, other) => {
    const expected = `secret_unreadable: ${expectedMessage}`.replace(
      'version 2 of cdp',
      `version ${other.version} of ${other.name}`,
    )
    expect(readMessage(() => unsealSecret(dataKey, other, sealed))).toBe(expected)
  })

  const changes: [string, Partial<SealedSecret>][] = [
    ['another tag', { tag: randomBytes(16).toString('base64') }],
    ['a changed tag', { tag: flipBit(sealed.tag, 15) }],
    ['a changed nonce', { nonce: flipBit(sealed.nonce, 0) }],
    ['a changed first byte', { ciphertext: flipBit(sealed.ciphertext, 0) }],
    ['a changed last byte', { ciphertext: flipBit(sealed.ciphertext, value.length - 1) }],
    ['a missing end', { ciphertext: sealed.ciphertext.slice(0, -4) }],
    ['nothing', { ciphertext: '' }],
    ['one more byte', { ciphertext: `${sealed.ciphertext}AA==` }],
  ]
  test.each(changes)('with %s is refused with the same error', (_what, change) => {
    const refused = () => unsealSecret(dataKey, binding, { ...sealed, ...change })
    expect(readMessage(refused)).toBe(`secret_unreadable: ${expectedMessage}`)
  })

  test('does not open with another key', () => {
    expect(readMessage(() => unsealSecret(createSealingKey(), binding, sealed))).toContain(
      expectedMessage,
    )
  })

  test('is accepted in canonical base64 only', () => {
    const shortTag = Buffer.from(sealed.tag, 'base64').subarray(0, 12).toString('base64')
    for (const odd of [shortTag, `${sealed.tag} `, sealed.tag.replace(/=+$/, ''), '', 7, null]) {
      expect(sealedFields.tag.safeParse(odd).success).toBe(false)
    }
    expect(sealedFields.nonce.safeParse(sealed.tag).success).toBe(false)
    expect(sealedFields.purpose.safeParse('webhook').success).toBe(false)
    expect(sealedFields.ciphertext.safeParse(`${sealed.ciphertext}\n`).success).toBe(false)
  })
})

describe('a wrapped data key', () => {
  const key = createSealingKey()
  const wrapped = wrapSealingKey(key, binding, dataKey)

  test('is unwrapped with its key and its binding', () => {
    expect(unwrapSealingKey(key, binding, wrapped)).toEqual(dataKey)
  })

  test.each(otherBindings)('is not unwrapped with the binding of %s', (_what, other) => {
    expect(readMessage(() => unwrapSealingKey(key, other, wrapped))).toContain('secret_unreadable')
  })

  test('is refused when any byte of it is changed, cut or added', () => {
    for (let at = 0; at < wrapped.length; at += 1) {
      const changed = Buffer.from(flipBit(wrapped.toString('base64'), at), 'base64')
      expect(readMessage(() => unwrapSealingKey(key, binding, changed))).toBe(
        `secret_unreadable: ${expectedMessage}`,
      )
    }
    const lengths = [Buffer.alloc(0), wrapped.subarray(1), wrapped.subarray(0, -1)]
    for (const cut of [...lengths, Buffer.concat([wrapped, Buffer.alloc(1)])]) {
      expect(readMessage(() => unwrapSealingKey(key, binding, cut))).toBe(
        `secret_unreadable: ${expectedMessage}`,
      )
    }
  })

  test('does not open as a secret, nor a secret as a wrapped key', () => {
    const asSecret: SealedSecret = {
      purpose: 'wallet',
      nonce: wrapped.subarray(0, 12).toString('base64'),
      ciphertext: wrapped.subarray(12, -16).toString('base64'),
      tag: wrapped.subarray(-16).toString('base64'),
    }
    expect(readMessage(() => unsealSecret(key, binding, asSecret))).toContain('secret_unreadable')
  })
})
