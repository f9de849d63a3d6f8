import { expect, test } from 'vitest'
import {
  MAX_HEADER_LENGTH,
  readWireHeader,
  readWireJson,
  readWireUtf8,
  writeWireHeader,
} from './wire.ts'

test('a header is read as it was written', () => {
  const value = { text: 'müßig', list: [1, null, true], nested: { deep: {} } }
  expect(readWireHeader(writeWireHeader(value))).toEqual({ value })
})

test('a header is read up to its bound', () => {
  // Three bytes become four characters, and two of the bytes are the quotes.
  const fits = (MAX_HEADER_LENGTH / 4) * 3 - 2
  expect(readWireHeader(writeWireHeader('x'.repeat(fits)))).toEqual({ value: 'x'.repeat(fits) })
  expect(readWireHeader(writeWireHeader('x'.repeat(fits + 1)))).toEqual({
    problem: 'is longer than 32768 characters',
  })
})

test('only text that an encoder gives is base64', () => {
  const problem = { problem: 'is not base64' }
  for (const header of [
    '',
    'e31=',
    'e31',
    'e30===',
    'e3 0',
    'e30=\n',
    ' e30=',
    'e30=e30=',
    '{}',
    'ＥＥＥＥ',
  ]) {
    expect(readWireHeader(header), JSON.stringify(header)).toEqual(problem)
  }
  expect(readWireHeader('e30=')).toEqual({ value: {} })
  expect(readWireHeader('e30')).toEqual({ value: {} })
  expect(readWireHeader(Buffer.from('"ÿÿ>"').toString('base64url'))).toEqual({ value: 'ÿÿ>' })
})

test('JSON with a key for a prototype is refused, at any depth', () => {
  const problem = { problem: 'is not JSON, or has the key __proto__' }
  expect(readWireJson('{"__proto__":{}}')).toEqual(problem)
  expect(readWireJson('[{"a":{"__proto__":null}}]')).toEqual(problem)
  expect(readWireJson('{"a":1')).toEqual(problem)
  expect(readWireJson('{"constructor":1}')).toEqual({ value: { constructor: 1 } })
})

test('JSON that gives a key twice in one object is refused, at any depth', () => {
  const problem = { problem: 'gives a key twice' }
  expect(readWireJson('{"a":1,"a":1}')).toEqual(problem)
  expect(readWireJson('[{"b":{"a":1,"\\u0061":2}}]')).toEqual(problem)
  expect(readWireJson('{"":1,"":2}')).toEqual(problem)
  for (const value of [{ a: { a: 1 } }, [{ a: 1 }, { a: 2 }], { '': 1 }, '"a":1,"a":2', {}, []]) {
    expect(readWireJson(JSON.stringify(value))).toEqual({ value })
  }
  expect(readWireJson('{"a" : "\\"b\\":", "c":"d\\\\"}')).toEqual({
    value: { a: '"b":', c: 'd\\' },
  })
})

test('broken UTF-8 is no text', () => {
  expect(readWireUtf8(new TextEncoder().encode('ä'))).toBe('ä')
  expect(readWireUtf8(new Uint8Array([0xc3]))).toBe(undefined)
})
