import { inspect } from 'node:util'
import type {
  CancelAuthorization,
  SignRequest,
  SignResult,
  TransferAuthorization,
  Wallet,
} from '../ports/wallet.ts'
import { duringSecretUse } from '../signing/secret-use.ts'
import type { TestRunner } from './test-runner.ts'

/** A wallet to test, with a check of its signatures. */
export interface WalletWorld {
  readonly wallet: Wallet
  /** Checks that a signature is this address's, for exactly this request. */
  verify(address: string, request: SignRequest, signature: `0x${string}`): Promise<boolean>
  /** Texts that the wallet must never reveal, such as its key. */
  readonly secrets: readonly string[]
}

const token = {
  chainId: 31_337,
  address: `0x${'c0ffee'.padStart(40, '0')}`,
  name: 'Test USD',
  version: '1',
}
const nonce = `0x${'7e'.repeat(32)}` as const

/**
 * Defines the conformance suite of a wallet: the promises that the core relies on.
 *
 * @example
 * ```ts
 * import { describe, expect, test } from 'vitest'
 *
 * testWallet('viemWallet', makeWalletWorld, { describe, test, expect })
 * ```
 */
export function testWallet(
  name: string,
  makeWorld: () => Promise<WalletWorld>,
  { describe, test, expect }: TestRunner,
): void {
  const sign = async ({ wallet }: WalletWorld, request: SignRequest): Promise<`0x${string}`> => {
    const result = await asWalletGateway(wallet, request)
    if ('signature' in result) return result.signature
    throw new Error(`The wallet did not sign: ${result.reason}`)
  }
  describe(`${name} keeps the promises of a wallet`, () => {
    test('has one address for each family, and it stays', async () => {
      const { wallet } = await makeWorld()
      expect(wallet.families).toEqual(['evm'])
      const address = await wallet.address('evm')
      expect(address).toMatch(/^0x[0-9a-fA-F]{40}$/)
      expect(await wallet.address('evm')).toBe(address)
    })

    test('signs a transfer, for exactly these terms', async () => {
      const world = await makeWorld()
      const address = await world.wallet.address('evm')
      const request = walletTransferFrom(address)
      const signature = await sign(world, request)
      expect(signature).toMatch(/^0x[0-9a-f]+$/i)
      expect(await world.verify(address, request, signature)).toBe(true)
      for (const changed of walletChangesOf(request)) {
        expect(await world.verify(address, changed, signature)).toBe(false)
      }
    })

    test('signs a cancellation', async () => {
      const world = await makeWorld()
      const address = await world.wallet.address('evm')
      const request = walletCancellationOf(address)
      const signature = await sign(world, request)
      expect(await world.verify(address, request, signature)).toBe(true)
    })

    test('signs nothing else', async () => {
      const { wallet } = await makeWorld()
      const address = await wallet.address('evm')
      const stranger = `0x${'bad'.padStart(40, '0')}`
      const requests = [
        walletTransferFrom(stranger),
        walletCancellationOf(stranger),
        { ...walletTransferFrom(address), kind: 'permit' } as unknown as SignRequest,
        undefined as unknown as SignRequest,
      ]
      for (const request of requests) expect(await isSignedByWallet(wallet, request)).toBe(false)
    })

    test('shows no secret, and nothing that could sign a raw transaction', async () => {
      const { wallet, secrets } = await makeWorld()
      const shown = `${inspect(wallet, { depth: 9, showHidden: true })} ${JSON.stringify(wallet)}`
      for (const secret of secrets) expect(shown.includes(secret)).toBe(false)
      const forbidden = ['account', 'signTransaction', 'sendTransaction', 'signMessage']
      for (const member of forbidden) expect(member in wallet).toBe(false)
    })
  })
}

function walletTransferFrom(from: string): TransferAuthorization {
  return {
    kind: 'transfer-authorization',
    family: 'evm',
    token,
    from,
    to: `0x${'5e11e4'.padStart(40, '0')}`,
    value: 10_000n,
    validAfter: 0n,
    validBefore: 1_900_000_000n,
    nonce,
  }
}

function walletCancellationOf(authorizer: string): CancelAuthorization {
  return { kind: 'cancel-authorization', family: 'evm', token, authorizer, nonce }
}

function walletChangesOf(request: TransferAuthorization): readonly TransferAuthorization[] {
  return [
    { ...request, to: `0x${'bad'.padStart(40, '0')}` },
    { ...request, value: request.value + 1n },
    { ...request, validBefore: request.validBefore + 1n },
    { ...request, nonce: `0x${'7f'.repeat(32)}` },
    { ...request, token: { ...token, chainId: 1 } },
  ]
}

/** Calls the wallet as the guard does, so that the wallet can open its secrets. */
function asWalletGateway(wallet: Wallet, request: SignRequest): Promise<SignResult> {
  const use = { purpose: 'payment', payment: 'pay_test' } as const
  return duringSecretUse(
    use,
    async () => {},
    () => wallet.sign(request),
  )
}

async function isSignedByWallet(wallet: Wallet, request: SignRequest): Promise<boolean> {
  try {
    return 'signature' in (await asWalletGateway(wallet, request))
  } catch {
    return false
  }
}
