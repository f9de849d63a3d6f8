import { expect, test } from 'vitest'
import { assertOwnRequest, type SignRequest, signingKeyOf } from './wallet.ts'

const own = `0x${'ab'.repeat(20)}`
const token = { chainId: 1, address: own, name: 'Test USD', version: '1' }
const nonce = `0x${'00'.repeat(32)}` as const
const cancellation: SignRequest = {
  kind: 'cancel-authorization',
  family: 'evm',
  token,
  authorizer: own,
  nonce,
}
const transfer: SignRequest = {
  kind: 'transfer-authorization',
  family: 'evm',
  token,
  from: own,
  to: own,
  value: 1n,
  validAfter: 0n,
  validBefore: 1n,
  nonce,
}

test('both kinds of request are let pass, whatever the case of the address', () => {
  for (const request of [transfer, cancellation]) {
    expect(() => assertOwnRequest(request, own.toUpperCase(), 'wallet')).not.toThrow()
  }
})

test.each<[string, unknown]>([
  ['a transfer of another address', { ...transfer, from: `0x${'cd'.repeat(20)}` }],
  ['a cancellation of another address', { ...cancellation, authorizer: '0x' }],
  ['another kind', { ...transfer, kind: 'permit' }],
  ['no kind', { from: own, authorizer: own }],
  ['an address that is none', { ...transfer, from: undefined }],
  ['nothing', undefined],
])('%s is refused, in the name of the wallet', (_what, request) => {
  const problem = expect.objectContaining({
    code: 'invalid_input',
    message: expect.stringMatching(/^wallet: /),
  })
  expect(() => assertOwnRequest(request as SignRequest, own, 'wallet')).toThrow(problem)
})

test('a request is named to a provider by its nonce, as a UUID', () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  const other = { ...transfer, nonce: `0x${'1f'.repeat(32)}` } as const
  const names = [transfer, cancellation, other].map(signingKeyOf)
  expect(names.every((name) => uuid.test(name))).toBe(true)
  expect(new Set(names).size).toBe(3)
  expect(signingKeyOf({ ...transfer })).toBe(names[0])
})
