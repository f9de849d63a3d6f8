import type { SignResult, Wallet } from '@bursar/core'
import { expect, test } from 'vitest'
import { duringSecretUse } from '../../../../core/src/secret-use.ts'
import type { OpenedSecret } from './opened-secret.ts'
import { vaultWallet } from './vault-wallet.ts'

const address = `0x${'a'.repeat(40)}`
const signature = `0x${'ab'.repeat(65)}` as const

/** Signs as the guard's gateway asks, with a wallet whose versions have these values, newest first. */
async function signed(
  values: readonly string[],
  wallet: (secret: OpenedSecret) => Wallet,
): Promise<SignResult> {
  const versions = values.map((value, at) => ({
    version: `${values.length - at}`,
    open: async () => Buffer.from(value),
  }))
  const source = { versions: async () => versions }
  const request = {
    kind: 'cancel-authorization',
    family: 'evm',
    token: { chainId: 1, address, name: 'Test USD', version: '1' },
    authorizer: address,
    nonce: `0x${'7e'.repeat(32)}`,
  } as const
  return duringSecretUse(
    { purpose: 'payment', payment: 'pay_test' },
    async () => {},
    () => vaultWallet(source, { secret: 'cdp', address, wallet }).sign(request),
  )
}

const withKey = JSON.stringify({ key: 'canary' })

/** Signs when it can read its field, which it does for each request, as wallets of providers do. */
const lazy = (first: 'address' | 'sign') => (secret: OpenedSecret) => {
  const ask = (): 'done' | 'unavailable' => {
    try {
      return secret.fields('key').key === 'canary' ? 'done' : 'unavailable'
    } catch {
      return 'unavailable'
    }
  }
  return {
    families: ['evm'],
    address: async () => {
      if (first === 'address' && ask() !== 'done') throw new Error('It could not be fetched.')
      return address
    },
    sign: async () =>
      ask() === 'done'
        ? { signature }
        : { notSigned: 'wallet_unavailable', reason: 'it could not be fetched' },
  } as const satisfies Wallet
}

test.each(['address', 'sign'] as const)(
  'a secret without a field that is read for %s is a credential that is none',
  async (first) => {
    expect(await signed([withKey], lazy(first))).toEqual({ signature })
    expect(await signed(['{"other":"canary"}'], lazy(first))).toEqual({
      notSigned: 'credential_expired',
      reason: 'cdp: version 1 has not the fields that the wallet reads',
    })
    // The one before it may have them.
    expect(await signed(['canary', withKey], lazy(first))).toEqual({ signature })
  },
)

test('a wallet that throws over a missing field leaves doubt: it may have signed before', async () => {
  const wallet = (secret: OpenedSecret): Wallet => ({
    families: ['evm'],
    address: async () => address,
    sign: async () => ({ signature: secret.fields('key').key as `0x${string}` }),
  })
  await expect(signed(['{}', withKey], wallet)).rejects.toMatchObject({ code: 'secret_invalid' })
})

test('a wallet that has signed without a field has signed', async () => {
  const wallet = (secret: OpenedSecret): Wallet => ({
    ...lazy('sign')(secret),
    async sign() {
      expect(() => secret.fields('key')).toThrow('has no text called key')
      return { signature }
    },
  })
  expect(await signed(['{}'], wallet)).toEqual({ signature })
})
