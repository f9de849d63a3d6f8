import { randomBytes } from 'node:crypto'
import { BursarError } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import {
  createDataKey,
  type SealedSecret,
  type SecretBinding,
  sealedFields,
  sealSecret,
  unsealSecret,
  unwrapDataKey,
  wrapDataKey,
} from './sealed-secret.ts'

const binding: SecretBinding = { name: 'cdp', version: 2, purpose: 'wallet' }
const dataKey = createDataKey()
const value = Buffer.from('the secret of the wallet')
const sealed = sealSecret(dataKey, binding, value)

/** Everything that it can be mistaken for. */
const others: [string, SecretBinding][] = [
  ['another name', { ...binding, name: 'cdp2' }],
  ['another version', { ...binding, version: 1 }],
  ['a version as text', { ...binding, version: '2' as unknown as number }],
  ['another purpose', { ...binding, purpose: 'webhook' as 'wallet' }],
  ['a name that holds the version', { ...binding, name: 'cdp",2,"' }],
]

const one =
  'vault: version 2 of cdp is not what was sealed: it was changed, cut, swapped or sealed with ' +
  'another key. Put the secret again.'

function messageOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (BursarError.isInstance(error)) return `${error.code}: ${error.message}`
    return `another error: ${String(error)}`
  }
  return 'opened'
}

function changedAt(text: string, at: number): string {
  const bytes = Buffer.from(text, 'base64')
  bytes.writeUInt8((bytes.readUInt8(at) ^ 1) & 0xff, at)
  return bytes.toString('base64')
}

describe('a sealed secret', () => {
  test('is opened by its data key, for what it was sealed for', () => {
    expect(unsealSecret(dataKey, binding, sealed)).toEqual(value)
    expect(JSON.stringify(sealed)).not.toContain(value.toString('base64').slice(0, 8))
  })

  test('is another one each time', () => {
    const again = sealSecret(dataKey, binding, value)
    expect(again.nonce).not.toBe(sealed.nonce)
    expect(again.ciphertext).not.toBe(sealed.ciphertext)
  })

  test.each(others)('is not opened as that of %s', (_what, other) => {
    const expected = `secret_unreadable: ${one}`.replace(
      'version 2 of cdp',
      `version ${other.version} of ${other.name}`,
    )
    expect(messageOf(() => unsealSecret(dataKey, other, sealed))).toBe(expected)
  })

  const changes: [string, Partial<SealedSecret>][] = [
    ['another tag', { tag: randomBytes(16).toString('base64') }],
    ['a changed tag', { tag: changedAt(sealed.tag, 15) }],
    ['a changed nonce', { nonce: changedAt(sealed.nonce, 0) }],
    ['a changed first byte', { ciphertext: changedAt(sealed.ciphertext, 0) }],
    ['a changed last byte', { ciphertext: changedAt(sealed.ciphertext, value.length - 1) }],
    ['a missing end', { ciphertext: sealed.ciphertext.slice(0, -4) }],
    ['nothing', { ciphertext: '' }],
    ['one more byte', { ciphertext: `${sealed.ciphertext}AA==` }],
  ]
  test.each(changes)('with %s is refused, by one error', (_what, change) => {
    const refused = () => unsealSecret(dataKey, binding, { ...sealed, ...change })
    expect(messageOf(refused)).toBe(`secret_unreadable: ${one}`)
  })

  test('is not opened by another key', () => {
    expect(messageOf(() => unsealSecret(createDataKey(), binding, sealed))).toContain(one)
  })

  test('is written in one way only', () => {
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
  const key = createDataKey()
  const wrapped = wrapDataKey(key, binding, dataKey)

  test('is unwrapped by its key, for what it was wrapped for', () => {
    expect(unwrapDataKey(key, binding, wrapped)).toEqual(dataKey)
  })

  test.each(others)('is not unwrapped as that of %s', (_what, other) => {
    expect(messageOf(() => unwrapDataKey(key, other, wrapped))).toContain('secret_unreadable')
  })

  test('is refused when any byte of it is changed, cut or added', () => {
    for (let at = 0; at < wrapped.length; at += 1) {
      const changed = Buffer.from(changedAt(wrapped.toString('base64'), at), 'base64')
      expect(messageOf(() => unwrapDataKey(key, binding, changed))).toBe(
        `secret_unreadable: ${one}`,
      )
    }
    const lengths = [Buffer.alloc(0), wrapped.subarray(1), wrapped.subarray(0, -1)]
    for (const cut of [...lengths, Buffer.concat([wrapped, Buffer.alloc(1)])]) {
      expect(messageOf(() => unwrapDataKey(key, binding, cut))).toBe(`secret_unreadable: ${one}`)
    }
  })

  test('is no secret, and a secret is no wrapped key', () => {
    const asSecret: SealedSecret = {
      purpose: 'wallet',
      nonce: wrapped.subarray(0, 12).toString('base64'),
      ciphertext: wrapped.subarray(12, -16).toString('base64'),
      tag: wrapped.subarray(-16).toString('base64'),
    }
    expect(messageOf(() => unsealSecret(key, binding, asSecret))).toContain('secret_unreadable')
  })
})
