import { createHash } from 'node:crypto'
import { type SignRequest, type SignResult, typedDataOf, type Wallet } from '../ports/wallet.ts'

/** An answer of a fake wallet. `hang` waits for `release`, and then signs. */
export type FakeWalletAnswer =
  | 'sign'
  | 'throw'
  | 'hang'
  | 'wallet_unavailable'
  | 'credential_expired'

/** Settings of a fake wallet. */
export interface FakeWalletOptions {
  /**
   * The wallet's address in lower case.
   * @default one address for every fake wallet
   */
  readonly address?: string
}

/** A wallet without a key, which a test controls and inspects. */
export interface FakeWallet extends Wallet {
  /** The requests to sign so far, oldest first, also those that were not signed. */
  readonly requests: readonly SignRequest[]
  /** Sets the answers to the next requests, one each. After them the wallet signs. */
  answerNext(...answers: readonly FakeWalletAnswer[]): void
  /** Signs every hanging request. */
  release(): void
}

/**
 * Creates a wallet for tests. A signature is a hash of its request, which only the fake chain accepts.
 *
 * @example
 * ```ts
 * const wallet = fakeWallet()
 * wallet.answerNext('hang')
 * ```
 */
export function fakeWallet(options: FakeWalletOptions = {}): FakeWallet {
  const { address = `0x${'a11ce'.padStart(40, '0')}` } = options
  const requests: SignRequest[] = []
  const answers: FakeWalletAnswer[] = []
  let hanging: (() => void)[] = []
  return {
    families: ['evm'],
    requests,
    address: async () => address,
    async sign(request): Promise<SignResult> {
      requests.push(request)
      assertFakeWalletPays(request, address)
      const answer = answers.shift() ?? 'sign'
      switch (answer) {
        case 'sign':
          return { signature: fakeSignature(request) }
        case 'throw':
          throw new Error('The fake wallet was told to throw.')
        case 'hang':
          await new Promise<void>((resolve) => hanging.push(resolve))
          return { signature: fakeSignature(request) }
        case 'wallet_unavailable':
        case 'credential_expired':
          return { notSigned: answer, reason: 'The fake wallet was told not to sign.' }
        default:
          return answer satisfies never
      }
    },
    answerNext: (...next) => void answers.push(...next),
    release() {
      for (const resolve of hanging) resolve()
      hanging = []
    },
  }
}

function assertFakeWalletPays(request: SignRequest, address: string): void {
  const from = request.kind === 'transfer-authorization' ? request.from : request.authorizer
  if (from.toLowerCase() === address.toLowerCase()) return
  throw new Error(`The fake wallet of ${address} cannot sign for ${from}.`)
}

/**
 * Returns the one signature of a request that the fake chain accepts, 65 bytes long as a real one.
 *
 * @example
 * ```ts
 * import type { SignRequest } from '@bursar/core'
 *
 * const sign = async (request: SignRequest) => fakeSignature(request)
 * ```
 */
export function fakeSignature(request: SignRequest): `0x${string}` {
  const signed = JSON.stringify(typedDataOf(request), (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}` : value,
  ).toLowerCase()
  const half = (name: string): string =>
    createHash('sha256')
      .update(name + signed)
      .digest('hex')
  return `0x${half('r')}${half('s')}1b`
}
