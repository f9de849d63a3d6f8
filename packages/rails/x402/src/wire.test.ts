import { expect, test } from 'vitest'
import { MAX_HEADER_LENGTH, readHeader, readJson, readUtf8, writeHeader } from './wire.ts'

test('a header is read as it was written', () => {
  const value = { text: 'müßig', list: [1, null, true], nested: { deep: {} } }
  expect(readHeader(writeHeader(value))).toEqual({ value })
})

test('a header is read up to its bound', () => {
  // Three bytes become four characters, and two of the bytes are the quotes.
  const fits = (MAX_HEADER_LENGTH / 4) * 3 - 2
  expect(readHeader(writeHeader('x'.repeat(fits)))).toEqual({ value: 'x'.repeat(fits) })
  expect(readHeader(writeHeader('x'.repeat(fits + 1)))).toEqual({
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
    expect(readHeader(header), JSON.stringify(header)).toEqual(problem)
  }
  expect(readHeader('e30=')).toEqual({ value: {} })
  expect(readHeader('e30')).toEqual({ value: {} })
  expect(readHeader(Buffer.from('"ÿÿ>"').toString('base64url'))).toEqual({ value: 'ÿÿ>' })
})

test('JSON with a key for a prototype is refused, at any depth', () => {
  const problem = { problem: 'is not JSON, or has the key __proto__' }
  expect(readJson('{"__proto__":{}}')).toEqual(problem)
  expect(readJson('[{"a":{"__proto__":null}}]')).toEqual(problem)
  expect(readJson('{"a":1')).toEqual(problem)
  expect(readJson('{"constructor":1}')).toEqual({ value: { constructor: 1 } })
})

test('JSON that gives a key twice in one object is refused, at any depth', () => {
  const problem = { problem: 'gives a key twice' }
  expect(readJson('{"a":1,"a":1}')).toEqual(problem)
  expect(readJson('[{"b":{"a":1,"\\u0061":2}}]')).toEqual(problem)
  expect(readJson('{"":1,"":2}')).toEqual(problem)
  for (const value of [{ a: { a: 1 } }, [{ a: 1 }, { a: 2 }], { '': 1 }, '"a":1,"a":2', {}, []]) {
    expect(readJson(JSON.stringify(value))).toEqual({ value })
  }
  expect(readJson('{"a" : "\\"b\\":", "c":"d\\\\"}')).toEqual({
    value: { a: '"b":', c: 'd\\' },
  })
})

test('broken UTF-8 is no text', () => {
  expect(readUtf8(new TextEncoder().encode('ä'))).toBe('ä')
  expect(readUtf8(new Uint8Array([0xc3]))).toBe(undefined)
})
