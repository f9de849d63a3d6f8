import { typedDataOf } from '@bursar/core'
import { testWallet } from '@bursar/core/testing'
import { recoverTypedDataAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { type CustodyClient, CustodyRefusal, custodyWallet } from './custody-wallet.ts'

/** The first of anvil's public development keys stands in for the provider's. */
const key = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const provider = privateKeyToAccount(key)

// #region conformance
testWallet(
  'custodyWallet',
  async () => ({
    wallet: custodyWallet(provider, provider.address),
    async verify(address, request, signature) {
      const signer = await recoverTypedDataAddress({ ...typedDataOf(request), signature })
      return signer === address
    },
    secrets: [key.slice(2)],
  }),
  { describe, test, expect },
)
// #endregion

test.each([
  [new CustodyRefusal('key expired'), 'credential_expired'],
  [new CustodyRefusal('overloaded'), 'wallet_unavailable'],
])('answers %s, which proves that nothing was signed', async (refusal, notSigned) => {
  const client: CustodyClient = { signTypedData: () => Promise.reject(refusal) }
  const wallet = custodyWallet(client, provider.address)
  expect(await wallet.sign(request)).toEqual({ notSigned, reason: refusal.message })
})

test('throws whatever else went wrong: a signature may exist', async () => {
  const client: CustodyClient = { signTypedData: () => Promise.reject(new Error('timed out')) }
  const wallet = custodyWallet(client, provider.address)
  await expect(wallet.sign(request)).rejects.toThrow('timed out')
})

const request = {
  kind: 'cancel-authorization',
  family: 'evm',
  token: { chainId: 1, address: `0x${'1'.repeat(40)}`, name: 'Test USD', version: '1' },
  authorizer: provider.address,
  nonce: `0x${'00'.repeat(32)}`,
} as const
