import type { SignResult, Wallet } from '@bursar/core'
import { expect, test } from 'vitest'
import { duringSecretUse } from '../../../../core/src/signing/secret-use.ts'
import type { OpenedSecret } from './opened-secret.ts'
import type { SecretSource, SecretVersion } from './secret-source.ts'
import { vaultWallet } from './vault-wallet.ts'

const address = `0x${'a'.repeat(40)}`
const signature = `0x${'ab'.repeat(65)}` as const

/** Signs as the guard's gateway asks, with a wallet whose versions have these values, newest first. */
function signed(
  values: readonly string[],
  wallet: (secret: OpenedSecret) => Wallet,
): Promise<SignResult> {
  return signedBy({ versions: async () => versionsOf(values) }, wallet)
}

function versionsOf(values: readonly string[]): SecretVersion[] {
  return values.map((value, at) => ({
    version: `${values.length - at}`,
    open: async () => Buffer.from(value),
  }))
}

/** Nobody waits longer than `until`, as for a wallet that takes too long. */
async function signedBy(
  source: SecretSource,
  wallet: (secret: OpenedSecret) => Wallet,
  until: Promise<SignResult> = new Promise(() => {}),
): Promise<SignResult> {
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
    () =>
      Promise.race([until, vaultWallet(source, { secret: 'cdp', address, wallet }).sign(request)]),
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

test.each<[string, unknown]>([
  ['nothing that is known', {}],
  ['another word', { notSigned: 'perhaps' }],
])('a wallet without a field that answers with %s leaves doubt', async (_what, answer) => {
  const wallet = (secret: OpenedSecret): Wallet => ({
    ...lazy('sign')(secret),
    async sign() {
      expect(() => secret.fields('key')).toThrow('has no text called key')
      return answer as SignResult
    },
  })
  expect(await signed(['{}', withKey], wallet)).toEqual(answer)
})

const late: SignResult = { notSigned: 'wallet_unavailable', reason: 'nobody waits any more' }

test('a wallet that never answers has no secret when nobody waits for it any more', async () => {
  const value = Buffer.from(withKey)
  const source = { versions: async () => [{ version: '1', open: async () => value }] }
  const asked = Promise.withResolvers<OpenedSecret>()
  const wallet = (secret: OpenedSecret): Wallet => ({
    ...lazy('sign')(secret),
    sign: () => {
      asked.resolve(secret)
      return new Promise<SignResult>(() => {})
    },
  })
  const until = asked.promise.then((secret) => {
    expect(secret.text()).toBe(withKey)
    return late
  })
  await signedBy(source, wallet, until)
  const secret = await asked.promise
  expect(() => secret.text()).toThrow('was opened for one signature, which is over')
  expect(value).toEqual(Buffer.alloc(value.length))
})

test('a secret that is opened too late reaches no wallet', async () => {
  const [opening, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<Buffer>()]
  const open = async (): Promise<Buffer> => {
    opening.resolve()
    return opened.promise
  }
  const made = Promise.withResolvers<OpenedSecret>()
  const wallet = (secret: OpenedSecret): Wallet => {
    made.resolve(secret)
    return lazy('sign')(secret)
  }
  const until = opening.promise.then(() => late)
  await signedBy({ versions: async () => [{ version: '1', open }] }, wallet, until)
  opened.resolve(Buffer.from(withKey))
  const secret = await made.promise
  expect(() => secret.text()).toThrow('was opened for one signature, which is over')
})
