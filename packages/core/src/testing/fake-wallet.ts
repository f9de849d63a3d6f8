import { createHash } from 'node:crypto'
import { type SignRequest, type SignResult, typedDataOf, type Wallet } from '../ports/wallet.ts'

/** How a fake wallet answers one request: `hang` waits for `release`, and then signs. */
export type FakeWalletAnswer =
  | 'sign'
  | 'throw'
  | 'hang'
  | 'wallet_unavailable'
  | 'credential_expired'

/** Settings of a fake wallet. */
export interface FakeWalletOptions {
  /** Lower case; the same for every fake wallet if not given. */
  readonly address?: string
}

/** A wallet without a key, and what tests ask and tell it. */
export interface FakeWallet extends Wallet {
  /** Everything that it was asked to sign so far, oldest first, whatever it answered. */
  readonly requests: readonly SignRequest[]
  /** Says how the next requests are answered, one answer each; after them it signs again. */
  answerNext(...answers: readonly FakeWalletAnswer[]): void
  /** Lets every request that hangs go on. */
  release(): void
}

/**
 * Makes a wallet for tests. Its signatures are hashes of what is signed: the same for the same
 * request, different for any other, and believed by the fake chain only.
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
      assertFrom(request, address)
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

function assertFrom(request: SignRequest, address: string): void {
  const from = request.kind === 'transfer-authorization' ? request.from : request.authorizer
  if (from.toLowerCase() === address.toLowerCase()) return
  throw new Error(`The fake wallet of ${address} cannot sign for ${from}.`)
}

/** The only signature of a request that the fake chain believes: 65 bytes, as a real one has. */
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
