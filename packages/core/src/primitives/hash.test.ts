import { describe, expect, test } from 'vitest'
import { equalHashes, hashOf, sha256Hash } from './hash.ts'

describe('sha256', () => {
  test('of a text and of its bytes is the same, lower-case hex', () => {
    const known = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect(sha256Hash('abc')).toBe(known)
    expect(sha256Hash(new TextEncoder().encode('abc'))).toBe(known)
  })
})

describe('hashOf', () => {
  test('parts cannot run into each other, and the kind counts', () => {
    const hashes = [
      hashOf('key', ['a', 'b']),
      hashOf('key', ['ab', '']),
      hashOf('key', ['', 'ab']),
      hashOf('key', ['a","b']),
      hashOf('key', ['a', 'b', '']),
      hashOf('key', ['a', null]),
      hashOf('key', ['a', 'null']),
      hashOf('request', ['a', 'b']),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})

describe('equalHashes', () => {
  const hash = sha256Hash('a')

  test('equals itself, in any case, and no other', () => {
    expect(equalHashes(hash, hash)).toBe(true)
    expect(equalHashes(hash, hash.toUpperCase())).toBe(true)
    expect(equalHashes(hash, sha256Hash('b'))).toBe(false)
    expect(equalHashes(hash, hash.slice(0, -1))).toBe(false)
    expect(equalHashes(hash, `${hash}00`)).toBe(false)
  })

  test.each(['', 'not hex', '00', `${'0'.repeat(63)}x`])('%j equals nothing', (text) => {
    expect(equalHashes(text, text)).toBe(false)
    expect(equalHashes(text, '')).toBe(false)
    expect(equalHashes(hash, text)).toBe(false)
  })
})
