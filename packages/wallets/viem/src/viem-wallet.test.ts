import { inspect } from 'node:util'
import { BursarError, type SignRequest, typedDataOf } from '@bursar/core'
import { testWallet } from '@bursar/core/testing'
import { recoverTypedDataAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { type ViemWalletOptions, viemWallet } from './viem-wallet.ts'

/** The first of anvil's public development keys. */
const key = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const account = privateKeyToAccount(key)

testWallet(
  'viemWallet',
  async () => ({
    wallet: viemWallet({ account }),
    async verify(address, request, signature) {
      const signer = await recoverTypedDataAddress({ ...typedDataOf(request), signature })
      return signer === address
    },
    secrets: [key.slice(2), account.publicKey.slice(2)],
  }),
  { describe, test, expect },
)

const request: SignRequest = {
  kind: 'cancel-authorization',
  family: 'evm',
  token: { chainId: 1, address: `0x${'1'.repeat(40)}`, name: 'Test USD', version: '1' },
  authorizer: account.address.toLowerCase(),
  nonce: `0x${'00'.repeat(32)}`,
}

function codeOf(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return BursarError.isInstance(error) ? `${error.code}: ${error.message}` : error
  }
}

describe('viemWallet', () => {
  test('takes anything with an address and signTypedData, and keeps its own state', async () => {
    const custody = {
      address: account.address,
      key,
      async signTypedData(this: { key: string }) {
        return this.key === key ? ('0xabcd' as const) : ('0x' as const)
      },
    }
    const wallet = viemWallet({ account: custody })
    custody.address = `0x${'2'.repeat(40)}`
    expect(await wallet.address('evm')).toBe(account.address)
    expect(await wallet.sign(request)).toEqual({ signature: '0xabcd' })
    expect(inspect(wallet, { depth: 9, showHidden: true })).not.toContain(key)
  })

  test('signs for its account whatever the case of the address', async () => {
    expect(await viemWallet({ account }).sign(request)).toHaveProperty('signature')
  })

  test('passes on what the account throws, and refuses what is no signature', async () => {
    const failing = { ...account, signTypedData: () => Promise.reject(new Error('HSM is away')) }
    await expect(viemWallet({ account: failing }).sign(request)).rejects.toThrow('HSM is away')
    const odd = { ...account, signTypedData: async () => '0x' as const }
    await expect(viemWallet({ account: odd }).sign(request)).rejects.toMatchObject({
      code: 'signature_invalid',
    })
  })

  test('says what is wrong with an account', () => {
    const make = (options: unknown) => codeOf(() => viemWallet(options as ViemWalletOptions))
    const address = 'invalid_input: viemWallet: account.address: must be 0x and 40 hex digits.'
    expect(make(undefined)).toBe(address)
    expect(make({})).toBe(address)
    expect(make({ account: { ...account, address: '0x12' } })).toBe(address)
    expect(make({ account: { ...account, address: [account.address] } })).toBe(address)
    expect(make({ account: { address: account.address, type: 'json-rpc' } })).toMatch(
      /^invalid_input: viemWallet: account.signTypedData: must be a function/,
    )
  })

  test('says whom it cannot sign for', async () => {
    const stranger = { ...request, authorizer: `0x${'2'.repeat(40)}` } as SignRequest
    await expect(viemWallet({ account }).sign(stranger)).rejects.toMatchObject({
      code: 'invalid_input',
      message: `viemWallet: ${account.address} cannot sign for 0x${'2'.repeat(40)}.`,
    })
    const permit = { ...request, kind: 'permit' } as unknown as SignRequest
    await expect(viemWallet({ account }).sign(permit)).rejects.toMatchObject({
      code: 'invalid_input',
      message: "viemWallet: kind: 'permit' cannot be signed.",
    })
  })
})
