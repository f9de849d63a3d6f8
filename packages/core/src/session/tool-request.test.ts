import { expect, test } from 'vitest'
import { toolRequest } from './tool-request.ts'

test('takes what the schema names, and names the rest', () => {
  const input = {
    url: 'https://shop.example/',
    purpose: 'read',
    maxAmount: '0.05',
    headers: { authorization: 'Bearer x' },
    budget: '100.00',
  }
  expect(toolRequest(input)).toEqual({
    request: { url: 'https://shop.example/', purpose: 'read', maxAmount: '0.05' },
    ignored: ['headers', 'budget'],
  })
})

test('own names only: what a prototype has is no argument', () => {
  const input = JSON.parse('{"__proto__":{"url":"https://evil.example/"},"constructor":1}')
  const { request, ignored } = toolRequest(input)
  expect(Object.keys(request)).toEqual([])
  expect(request.url).toBeUndefined()
  expect(ignored).toEqual(['__proto__', 'constructor'])
})

test.each([undefined, null, 'text', 7])('%j has no arguments', (input) => {
  expect(toolRequest(input)).toEqual({ request: {}, ignored: [] })
})

test('leaves out what is empty, and reads arguments that came as one JSON text', () => {
  const given = {
    url: 'https://shop.example/',
    method: '',
    body: null,
    purpose: 'x',
    maxAmount: 0.5,
  }
  const request = { url: 'https://shop.example/', purpose: 'x', maxAmount: '0.5' }
  expect(toolRequest(given)).toEqual({ request, ignored: [] })
  expect(toolRequest(JSON.stringify(given))).toEqual({ request, ignored: [] })
})
