import { BursarError } from '@bursar/core'
import type { LocalAccount } from 'viem'
import { connectChainClient } from './chain-reader.ts'
import { askEndpointsInTurn, endpointUnreachableError, type RpcEndpoint } from './rpc-endpoint.ts'

/** The members of an account that the relayer uses. Any local account of viem has them. */
export type RelayerAccount = Pick<LocalAccount, 'address' | 'signTransaction'>

/** A cancellation that was sent to the network. */
export interface SentCancellation {
  readonly transaction: `0x${string}`
  /** The state of the transaction: `pending` if it is in no block after 20 s. */
  readonly state: 'succeeded' | 'reverted' | 'pending'
}

/** A signed cancellation, in the form that the token contract takes. */
export interface SignedCancellation {
  readonly token: string
  readonly authorizer: string
  readonly nonce: `0x${string}`
  /** The length in bytes of a signature by a plain account. */
  readonly signature: `0x${string}`
}

/**
 * The sender of cancellations, which pays their gas. It can send nothing else. A cancellation only
 * makes a nonce unusable, by the signature of the nonce's owner.
 */
export interface Relayer {
  /**
   * Throws `relayer_is_payer` for the relayer's own address: a wallet that is paid from must not
   * relay.
   */
  assertNotPayer(payer: string): void
  /**
   * Sends a cancellation. Throws `rail_unreachable` if the endpoint does not answer or refuses it.
   */
  send(cancellation: SignedCancellation): Promise<SentCancellation>
}

/**
 * The longest wait for a transaction's block. Blocks come every few seconds, every twelve on
 * Ethereum.
 */
const RECEIPT_TIMEOUT_MS = 20_000

/** The time between two looks for the transaction's block. */
const RECEIPT_POLL_MS = 1_000

/** Makes the relayer of a network. Loads viem and dials an endpoint at the first cancellation. */
export function createRelayer(
  network: string,
  endpoints: readonly RpcEndpoint[],
  account: RelayerAccount,
): Relayer {
  let connecting: ReturnType<typeof connectRelayer> | undefined
  const openConnection = (): ReturnType<typeof connectRelayer> => {
    connecting ??= connectRelayer(endpoints, account).catch((error: unknown) => {
      connecting = undefined
      throw error
    })
    return connecting
  }
  // Transactions are sent in turn, because each takes the account number after the one before it.
  let last: Promise<unknown> = Promise.resolve()
  const runInTurn = <Result>(run: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(run)
    last = turn.catch(() => undefined)
    return turn
  }
  return {
    assertNotPayer(payer) {
      if (payer.toLowerCase() !== account.address.toLowerCase()) return
      throw new BursarError(
        'relayer_is_payer',
        `x402: networks.${network}.relayer: ${payer} is a wallet that is paid from. Give the relayer an account of its own.`,
      )
    },
    async send(cancellation) {
      try {
        const { broadcast, outcomeOf } = await openConnection()
        const transaction = await runInTurn(() => broadcast(cancellation))
        // The transaction is sent, even if the wait for its block fails.
        return { transaction, state: await outcomeOf(transaction).catch(() => 'pending' as const) }
      } catch (error) {
        throw endpointUnreachableError(network, 'The cancellation could not be sent', error)
      }
    },
  }
}

async function connectRelayer(endpoints: readonly RpcEndpoint[], relayerAccount: RelayerAccount) {
  const [client, viem, { toAccount }] = await Promise.all([
    askEndpointsInTurn(endpoints, connectChainClient),
    import('viem'),
    import('viem/accounts'),
  ])
  const { encodeFunctionData, parseAbi, parseSignature, walletActions } = viem
  const account = restrictRelayerAccount(toAccount, relayerAccount)
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
    outcomeOf: async (hash: Hex): Promise<SentCancellation['state']> => {
      const wait = { hash, pollingInterval: RECEIPT_POLL_MS, timeout: RECEIPT_TIMEOUT_MS }
      const { status } = await client.waitForTransactionReceipt(wait)
      return status === 'success' ? 'succeeded' : 'reverted'
    },
  }
}

type Hex = `0x${string}`

/** Restricts an account to signing transactions. */
function restrictRelayerAccount(
  toAccount: typeof import('viem/accounts').toAccount,
  { address, signTransaction }: RelayerAccount,
): LocalAccount {
  const refuseSigning = (): never => {
    throw new BursarError('invariant_broken', 'The relayer only signs transactions.')
  }
  return toAccount({
    address,
    signTransaction,
    signMessage: refuseSigning,
    signTypedData: refuseSigning,
  })
}

/** Checks whether a configured value is an account that can relay. */
export function isRelayer(value: unknown): value is RelayerAccount {
  const { address, signTransaction } = (value ?? {}) as Partial<RelayerAccount>
  return /^0x[0-9a-fA-F]{40}$/.test(`${address}`) && typeof signTransaction === 'function'
}
