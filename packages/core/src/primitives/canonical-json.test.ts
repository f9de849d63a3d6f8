import { expect, test } from 'vitest'
import { canonicalJson } from './canonical-json.ts'

test('objects with equal fields have equal text, in whatever order their fields stand', () => {
  const text = '{"a":[{"x":null,"y":true}],"b":1,"c":"2"}'
  expect(canonicalJson({ c: '2', a: [{ y: true, x: null }], b: 1 })).toBe(text)
  expect(canonicalJson({ a: [{ x: null, y: true }], b: 1n, c: '2', d: undefined })).toBe(text)
})

test.each([
  ['a bigint', 1n, '1'],
  ['a text', '1', '"1"'],
  ['a list', ['1', 2], '["1",2]'],
  ['a field with a quote', { 'a"b': 1 }, '{"a\\"b":1}'],
  ['undefined', undefined, 'nothing'],
  ['null', null, 'null'],
])('%s is written in one way', (_what, value, text) => {
  expect(canonicalJson(value)).toBe(text)
})

test('the order of a list counts', () => {
  expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]))
})
