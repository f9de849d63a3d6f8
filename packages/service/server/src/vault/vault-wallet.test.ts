import type { SignResult, Wallet } from '@bursar/core'
import { expect, test } from 'vitest'
import { duringSecretUse } from '../../../../core/src/signing/secret-use.ts'
import type { OpenedSecret } from './opened-secret.ts'
import type { SecretSource, SecretVersion } from './secret-source.ts'
import { vaultWallet } from './vault-wallet.ts'

const address = `0x${'a'.repeat(40)}`
const signature = `0x${'ab'.repeat(65)}` as const

/**
 * Signs once while the guard uses secrets. The secret's versions have these values, newest first.
 */
function sign(
  values: readonly string[],
  wallet: (secret: OpenedSecret) => Wallet,
): Promise<SignResult> {
  return signFromSource({ versions: async () => createVersions(values) }, wallet)
}

function createVersions(values: readonly string[]): SecretVersion[] {
  return values.map((value, at) => ({
    version: `${values.length - at}`,
    open: async () => Buffer.from(value),
  }))
}

/** Signs with the secrets of a source. The guard stops waiting when `until` resolves. */
async function signFromSource(
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

/** Creates a wallet that reads its field late, as wallets of providers do. */
const createLateReader = (first: 'address' | 'sign') => (secret: OpenedSecret) => {
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
    expect(await sign([withKey], createLateReader(first))).toEqual({ signature })
    expect(await sign(['{"other":"canary"}'], createLateReader(first))).toEqual({
      notSigned: 'credential_expired',
      reason: 'cdp: version 1 lacks a field that the wallet reads',
    })
    // Another version of the secret may have the field, so the previous version is tried.
    expect(await sign(['canary', withKey], createLateReader(first))).toEqual({ signature })
  },
)

test('a wallet that throws for a missing field leaves doubt, as it may have signed before', async () => {
  const wallet = (secret: OpenedSecret): Wallet => ({
    families: ['evm'],
    address: async () => address,
    sign: async () => ({ signature: secret.fields('key').key as `0x${string}` }),
  })
  await expect(sign(['{}', withKey], wallet)).rejects.toMatchObject({ code: 'secret_invalid' })
})

test('a signature counts although the wallet missed a field', async () => {
  const wallet = (secret: OpenedSecret): Wallet => ({
    ...createLateReader('sign')(secret),
    async sign() {
      expect(() => secret.fields('key')).toThrow('has no text called key')
      return { signature }
    },
  })
  expect(await sign(['{}'], wallet)).toEqual({ signature })
})

test.each<[string, unknown]>([
  ['an unknown shape', {}],
  ['an unknown code', { notSigned: 'perhaps' }],
])('a wallet without a field that answers with %s leaves doubt', async (_what, answer) => {
  const wallet = (secret: OpenedSecret): Wallet => ({
    ...createLateReader('sign')(secret),
    async sign() {
      expect(() => secret.fields('key')).toThrow('has no text called key')
      return answer as SignResult
    },
  })
  expect(await sign(['{}', withKey], wallet)).toEqual(answer)
})

const late: SignResult = { notSigned: 'wallet_unavailable', reason: 'nobody waits any more' }

test('a wallet that never answers loses its secret when the guard stops waiting', async () => {
  const value = Buffer.from(withKey)
  const source = { versions: async () => [{ version: '1', open: async () => value }] }
  const opened = Promise.withResolvers<OpenedSecret>()
  const wallet = (secret: OpenedSecret): Wallet => ({
    ...createLateReader('sign')(secret),
    sign: () => {
      opened.resolve(secret)
      return new Promise<SignResult>(() => {})
    },
  })
  const until = opened.promise.then((secret) => {
    expect(secret.text()).toBe(withKey)
    return late
  })
  await signFromSource(source, wallet, until)
  const secret = await opened.promise
  expect(() => secret.text()).toThrow('was opened for one request, which has ended')
  expect(value).toEqual(Buffer.alloc(value.length))
})

test('a secret that is opened too late does not reach the wallet', async () => {
  const [opening, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<Buffer>()]
  const open = async (): Promise<Buffer> => {
    opening.resolve()
    return opened.promise
  }
  const made = Promise.withResolvers<OpenedSecret>()
  const wallet = (secret: OpenedSecret): Wallet => {
    made.resolve(secret)
    return createLateReader('sign')(secret)
  }
  const until = opening.promise.then(() => late)
  await signFromSource({ versions: async () => [{ version: '1', open }] }, wallet, until)
  opened.resolve(Buffer.from(withKey))
  const secret = await made.promise
  expect(() => secret.text()).toThrow('was opened for one request, which has ended')
})
