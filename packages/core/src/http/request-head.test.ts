import { describe, expect, test } from 'vitest'
import type { HttpRequest } from '../ports/http-client.ts'
import { BursarError } from '../primitives/errors.ts'
import { buildRequestHead } from './request-head.ts'

const url = new URL('https://shop.example/')

function head(request: Partial<HttpRequest>): string[] | string {
  try {
    return buildRequestHead({ method: 'GET', url, headers: {}, ...request })
  } catch (error) {
    if (BursarError.isInstance(error) && error.code === 'request_refused') return error.message
    throw error
  }
}

const defaults = ['accept', '*/*', 'user-agent', 'bursar']

test('asks for an unencoded body, whatever the caller asked for', () => {
  const plain = ['accept-encoding', 'identity', ...defaults]
  expect(head({})).toEqual(plain)
  expect(head({ headers: { 'Accept-Encoding': 'gzip' } })).toEqual(plain)
})

test('accepts every type and names itself, unless the caller says otherwise', () => {
  const headers = { Accept: 'text/csv', 'User-Agent': 'shop-bot/2' }
  expect(head({ headers })).toEqual([
    'accept-encoding',
    'identity',
    'accept',
    'text/csv',
    'user-agent',
    'shop-bot/2',
  ])
})

test('passes headers on with lower-case names', () => {
  expect(head({ headers: { 'X-Trace': 'a b\tc', Authorization: 'Bearer x', empty: '' } })).toEqual([
    'accept-encoding',
    'identity',
    'x-trace',
    'a b\tc',
    'authorization',
    'Bearer x',
    'empty',
    '',
    ...defaults,
  ])
})

test('passes on names that mean something to objects', () => {
  const headers = Object.fromEntries([
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ])
  expect(head({ headers })).toEqual([
    'accept-encoding',
    'identity',
    '__proto__',
    'a',
    'constructor',
    'b',
    ...defaults,
  ])
})

describe('a method', () => {
  test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    '%s is sent',
    (method) => {
      expect(head({ method })).toEqual(['accept-encoding', 'identity', ...defaults])
    },
  )

  test.each(['CONNECT', 'TRACE', 'TRACK', 'get', '', 'GET /', 'GET\r\n', 'G'.repeat(21)])(
    '%j is refused',
    (method) => {
      expect(head({ method })).toBe(
        'The method is not one that can be sent. Use GET, POST or another in upper case.',
      )
    },
  )
})

describe('a header', () => {
  test.each([
    'Connection',
    'Content-Length',
    'Expect',
    'Host',
    'Keep-Alive',
    'Proxy-Authorization',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
  ])('%s is refused: it is the client’s', (name) => {
    expect(head({ headers: { [name]: 'x' } })).toBe(
      `The header ${name.toLowerCase()} is the client's. Leave it out.`,
    )
  })

  test.each(['a\r\nhost: evil', 'a\n', 'a\0', '\u0100', '\u202e'])(
    'value %j is refused',
    (value) => {
      expect(head({ headers: { 'x-a': value } })).toBe(
        'The header x-a has a value with characters that HTTP forbids. Encode it.',
      )
    },
  )

  test('value that is not a string is refused', () => {
    const headers = { 'x-a': ['a', 'b'] as unknown as string }
    expect(head({ headers })).toContain('The header x-a has a value')
  })

  test.each(['', 'x a', 'x:a', 'x\r\n', 'ü', '\u212aeep-alive'])('name %j is refused', (name) => {
    expect(head({ headers: { [name]: 'x' } })).toBe(
      'A header has a name that is no HTTP token. Rename it.',
    )
  })

  test('is refused when it is given twice in two spellings', () => {
    expect(head({ headers: { 'X-A': '1', 'x-a': '2' } })).toBe(
      'The header x-a is given twice. Join its values.',
    )
  })

  test('is within the bound of all headers together', () => {
    expect(head({ headers: { ab: 'x'.repeat(65_534) } })).toHaveLength(8)
    expect(head({ headers: { ab: 'x'.repeat(65_535) } })).toBe(
      'The headers have 65537 bytes. Keep them within 65536.',
    )
  })
})

test('a body that is not a string is refused', () => {
  const body = new Uint8Array(3) as unknown as string
  expect(head({ method: 'POST', body })).toBe(
    'The body is not a string. It is sent twice, so it cannot be a stream.',
  )
})
