import { BursarError } from '@bursar/core'
import type { LocalAccount } from 'viem'
import { connectClient, unreachable } from './chain-reader.ts'

/** What the relayer needs of an account: any local account of viem has it, and many others do. */
export type RelayerAccount = Pick<LocalAccount, 'address' | 'signTransaction'>

/** What becomes of a cancellation that was sent. */
export interface Sent {
  readonly transaction: `0x${string}`
  /** `pending` where it is not in a block after the time that is waited for. */
  readonly state: 'succeeded' | 'reverted' | 'pending'
}

/** A signed cancellation, as the token contract takes it. */
export interface SignedCancellation {
  readonly token: string
  readonly authorizer: string
  readonly nonce: `0x${string}`
  /** 65 bytes. */
  readonly signature: `0x${string}`
}

/**
 * Sends cancellations and pays their gas. Nothing else can be sent through it, and what it sends can
 * only make a nonce unusable, by the signature of the nonce's owner.
 */
export interface Relayer {
  /** Throws `relayer_is_payer` for its own address: a wallet that is paid from may not relay. */
  assertNoPayer(payer: string): void
  /** Throws `rail_unreachable` where the endpoint does not answer or does not take it. */
  send(cancellation: SignedCancellation): Promise<Sent>
}

/** How long a transaction is waited for: blocks come every few seconds, every twelve on Ethereum. */
const RECEIPT_TIMEOUT_MS = 20_000

/** How often the endpoint is asked for it. */
const RECEIPT_POLL_MS = 1_000

/** Makes the relayer of a network. Nothing is loaded or dialled before its first use. */
export function createRelayer(network: string, rpcUrl: string, account: RelayerAccount): Relayer {
  let connecting: ReturnType<typeof connect> | undefined
  const connected = (): ReturnType<typeof connect> => {
    connecting ??= connect(network, rpcUrl, account).catch((error: unknown) => {
      connecting = undefined
      throw error
    })
    return connecting
  }
  // One after the other: each takes the number that follows the one before it.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <Result>(run: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(run)
    last = turn.catch(() => undefined)
    return turn
  }
  return {
    assertNoPayer(payer) {
      if (payer.toLowerCase() !== account.address.toLowerCase()) return
      throw new BursarError(
        'relayer_is_payer',
        `x402: networks.${network}.relayer: ${payer} is a wallet that is paid from. Give the relayer an account of its own.`,
      )
    },
    async send(cancellation) {
      try {
        const { broadcast, outcomeOf } = await connected()
        const transaction = await inTurn(() => broadcast(cancellation))
        // It is sent: whatever waiting for it brings, that much is known.
        return { transaction, state: await outcomeOf(transaction).catch(() => 'pending' as const) }
      } catch (error) {
        throw unreachable(network, 'could not be sent a cancellation', error)
      }
    },
  }
}

async function connect(network: string, rpcUrl: string, given: RelayerAccount) {
  const [client, viem, { toAccount }] = await Promise.all([
    connectClient(network, rpcUrl),
    import('viem'),
    import('viem/accounts'),
  ])
  const { encodeFunctionData, parseAbi, parseSignature, walletActions } = viem
  const account = reduced(toAccount, given)
  const sender = client.extend(walletActions)
  const abi = parseAbi([
    'function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
  ])
  return {
    broadcast: ({ token, authorizer, nonce, signature }: SignedCancellation) => {
      const { r, s, yParity } = parseSignature(signature)
      const args = [authorizer as Hex, nonce, 27 + yParity, r, s] as const
      const data = encodeFunctionData({ abi, args })
      return sender.sendTransaction({ account, chain: null, to: token as Hex, data, value: 0n })
    },
    outcomeOf: async (hash: Hex): Promise<Sent['state']> => {
      const wait = { hash, pollingInterval: RECEIPT_POLL_MS, timeout: RECEIPT_TIMEOUT_MS }
      const { status } = await client.waitForTransactionReceipt(wait)
      return status === 'success' ? 'succeeded' : 'reverted'
    },
  }
}

type Hex = `0x${string}`

/** The account as far as it is needed: it is asked to sign transactions, and nothing else. */
function reduced(
  toAccount: typeof import('viem/accounts').toAccount,
  { address, signTransaction }: RelayerAccount,
): LocalAccount {
  const never = (): never => {
    throw new BursarError('invariant_broken', 'The relayer signs transactions and nothing else.')
  }
  return toAccount({ address, signTransaction, signMessage: never, signTypedData: never })
}

/** Whether a configured value is an account that can relay. */
export function isRelayer(value: unknown): value is RelayerAccount {
  const { address, signTransaction } = (value ?? {}) as Partial<RelayerAccount>
  return /^0x[0-9a-fA-F]{40}$/.test(`${address}`) && typeof signTransaction === 'function'
}
