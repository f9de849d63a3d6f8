import { describe, expect, test } from 'vitest'
import type { TransferAuthorization } from '../ports/wallet.ts'
import { fakeSignature, fakeWallet } from './fake-wallet.ts'
import { testWallet } from './test-wallet.ts'

const request: TransferAuthorization = {
  kind: 'transfer-authorization',
  family: 'evm',
  token: { chainId: 31_337, address: `0x${'1'.repeat(40)}`, name: 'Fake USD', version: '1' },
  from: await fakeWallet().address('evm'),
  to: `0x${'3'.repeat(40)}`,
  value: 1n,
  validAfter: 0n,
  validBefore: 100n,
  nonce: `0x${'44'.repeat(32)}`,
}

test('signs the same request alike, and any other differently', async () => {
  const wallet = fakeWallet()
  const first = await wallet.sign(request)
  expect(first).toEqual(await wallet.sign({ ...request }))
  expect(first).toEqual({ signature: fakeSignature(request) })
  expect(fakeSignature(request)).toMatch(/^0x[0-9a-f]{130}$/)
  expect(fakeSignature({ ...request, value: 2n })).not.toBe(fakeSignature(request))
  expect(wallet.requests).toHaveLength(2)
})

test('answers as it is told, one request each', async () => {
  const wallet = fakeWallet()
  wallet.answerNext('throw', 'wallet_unavailable', 'credential_expired')
  await expect(wallet.sign(request)).rejects.toThrow('told to throw')
  expect(await wallet.sign(request)).toMatchObject({ notSigned: 'wallet_unavailable' })
  expect(await wallet.sign(request)).toMatchObject({ notSigned: 'credential_expired' })
  expect(await wallet.sign(request)).toMatchObject({ signature: fakeSignature(request) })
  expect(wallet.requests).toHaveLength(4)
})

test('hangs until it is released, and then signs', async () => {
  const wallet = fakeWallet()
  wallet.answerNext('hang')
  let signed = false
  const hanging = wallet.sign(request).then((result) => {
    signed = true
    return result
  })
  await wallet.sign(request)
  expect(signed).toBe(false)
  wallet.release()
  expect(await hanging).toEqual({ signature: fakeSignature(request) })
})

test('has the address that it is given, and signs for no other', async () => {
  const address = `0x${'2'.repeat(40)}`
  const wallet = fakeWallet({ address })
  expect(await wallet.address('evm')).toBe(address)
  await expect(wallet.sign(request)).rejects.toThrow(`cannot sign for ${request.from}`)
  expect(await wallet.sign({ ...request, from: address })).toHaveProperty('signature')
})

testWallet(
  'fakeWallet',
  async () => ({
    wallet: fakeWallet(),
    verify: async (_address, request, signature) => fakeSignature(request) === signature,
    secrets: [],
  }),
  { describe, test, expect },
)
