import { expect, test } from 'vitest'
import { requestId } from './request-id.ts'

test('is the same for the same request, and another for another', async () => {
  const input = { url: 'https://shop.example/a', purpose: 'read it' }
  const id = await requestId('pay_within_session', input)
  expect(id).toMatch(/^pay_within_session-[0-9a-f]{64}$/)
  expect(await requestId('pay_within_session', { ...input })).toBe(id)
  expect(await requestId('pay_within_session', { ...input, purpose: 'x' })).not.toBe(id)
  expect(await requestId('buy', input)).not.toBe(id)
  expect(await requestId('buy', undefined)).toMatch(/^buy-/)
})
