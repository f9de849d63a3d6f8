import { BursarError } from '@bursar/core'
import type { PublicClient } from 'viem'
import { parseChainOfNetworkName } from './network-name.ts'
import {
  askEndpointsInTurn,
  endpointUnreachableError,
  type RpcEndpoint,
  readEndpointWithRetry,
} from './rpc-endpoint.ts'

/** A block, as far as a verdict needs it. */
export interface ChainBlock {
  readonly number: bigint
  /** The block's time in Unix seconds. */
  readonly timestamp: bigint
}

/** The events of a token contract in one successful transaction, in their order. */
export interface TokenReceipt {
  readonly transaction: string
  readonly block: bigint
  readonly events: readonly TokenEvent[]
}

/** An event of EIP-20 or EIP-3009. Addresses and nonces are lower case. */
export type TokenEvent =
  | { readonly kind: 'used' | 'canceled'; readonly authorizer: string; readonly nonce: string }
  | {
      readonly kind: 'transfer'
      readonly from: string
      readonly to: string
      readonly value: bigint
    }

/**
 * A reader of one chain. Each method throws `rail_unreachable` if no RPC endpoint answers within 10 s,
 * and `wrong_chain` if the only one serves another chain. No error holds an endpoint's URL.
 */
export interface ChainReader {
  /** Returns the newest block that cannot be undone. */
  finalBlock(): Promise<ChainBlock>
  /** Returns the newest block, which can still be undone. */
  latestBlock(): Promise<ChainBlock>
  block(number: bigint): Promise<ChainBlock>
  /** Checks whether the contract refuses this nonce, as of a block. */
  isNonceUsed(token: string, authorizer: string, nonce: string, block: bigint): Promise<boolean>
  /** Returns undefined if the chain has no such transaction, or if the transaction was reverted. */
  receipt(token: string, transaction: string): Promise<TokenReceipt | undefined>
  /**
   * Returns the transactions in these blocks in which the contract used or cancelled this nonce.
   */
  findNonce(
    token: string,
    authorizer: string,
    nonce: string,
    blocks: { readonly from: bigint; readonly to: bigint },
  ): Promise<readonly string[]>
  /** Returns the balance as of the newest block, in atomic units. */
  balance(token: string, address: string): Promise<bigint>
}

/** Makes the reader through one endpoint. Loads viem and dials the endpoint at the first call. */
export function createChainReader(endpoint: RpcEndpoint): ChainReader {
  const { label } = endpoint
  let connecting: Promise<Connection> | undefined
  const read = async <Answer>(
    subject: string,
    readFrom: (connection: Connection) => Promise<Answer>,
  ): Promise<Answer> => {
    connecting ??= connectChainReader(endpoint)
    const current = connecting
    const connection = await current.catch((error: unknown) => {
      if (connecting === current) connecting = undefined
      throw endpointUnreachableError(label, 'eth_chainId could not be read', error)
    })
    return readEndpointWithRetry(() => readFrom(connection)).catch((error: unknown) => {
      throw endpointUnreachableError(label, `${subject} could not be read`, error)
    })
  }
  return {
    finalBlock: () =>
      read('The final block', ({ client }) => client.getBlock({ blockTag: 'finalized' })),
    latestBlock: () =>
      read('The newest block', ({ client }) => client.getBlock({ blockTag: 'latest' })),
    block: (blockNumber) => read('A block', ({ client }) => client.getBlock({ blockNumber })),
    isNonceUsed: (token, authorizer, nonce, blockNumber) =>
      read('authorizationState', ({ client, abi }) =>
        client.readContract({
          abi,
          address: token as Hex,
          functionName: 'authorizationState',
          args: [authorizer as Hex, nonce as Hex],
          blockNumber,
        }),
      ),
    receipt: (token, transaction) =>
      read('A receipt', (connection) => readChainReceipt(connection, token, transaction)),
    findNonce: (token, authorizer, nonce, blocks) =>
      read('eth_getLogs', async ({ client, nonceTopics }) => {
        const logs = await client.request({
          method: 'eth_getLogs',
          params: [
            {
              address: token as Hex,
              topics: [nonceTopics, padAddress(authorizer), nonce as Hex],
              fromBlock: `0x${blocks.from.toString(16)}`,
              toBlock: `0x${blocks.to.toString(16)}`,
            },
          ],
        })
        return logs.flatMap(({ transactionHash }) => (transactionHash ? [transactionHash] : []))
      }),
    balance: (token, address) =>
      read('balanceOf', ({ client, abi }) =>
        client.readContract({
          abi,
          address: token as Hex,
          functionName: 'balanceOf',
          args: [address as Hex],
        }),
      ),
  }
}

/** Makes a reader that asks others in turn, each read by itself. What it read proves nothing. */
export function createTurnReader(readers: readonly ChainReader[]): ChainReader {
  return {
    finalBlock: () => askEndpointsInTurn(readers, (one) => one.finalBlock()),
    latestBlock: () => askEndpointsInTurn(readers, (one) => one.latestBlock()),
    block: (number) => askEndpointsInTurn(readers, (one) => one.block(number)),
    isNonceUsed: (...of) => askEndpointsInTurn(readers, (one) => one.isNonceUsed(...of)),
    receipt: (...of) => askEndpointsInTurn(readers, (one) => one.receipt(...of)),
    findNonce: (...of) => askEndpointsInTurn(readers, (one) => one.findNonce(...of)),
    balance: (...of) => askEndpointsInTurn(readers, (one) => one.balance(...of)),
  }
}

type Hex = `0x${string}`
type Connection = Awaited<ReturnType<typeof connectChainReader>>

/**
 * Connects to an endpoint. Throws `wrong_chain` if the endpoint serves another chain than its
 * network.
 */
export async function connectChainClient({
  network,
  url,
  label,
  timeoutMs,
}: RpcEndpoint): Promise<PublicClient> {
  const { createPublicClient, http } = await import('viem')
  const transport = http(url, { timeout: timeoutMs, retryCount: 0 })
  const client = createPublicClient({ transport, cacheTime: 0 })
  const chainId = await readEndpointWithRetry(() => client.getChainId())
  if (chainId === parseChainOfNetworkName(network)) return client
  throw new BursarError(
    'wrong_chain',
    `The RPC endpoint of ${label} serves chain ${chainId}. Nothing can be proven through it.`,
  )
}

async function connectChainReader(endpoint: RpcEndpoint) {
  const client = await connectChainClient(endpoint)
  const { parseAbi, parseEventLogs, toEventSelector } = await import('viem')
  const abi = parseAbi([
    'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
    'function balanceOf(address account) view returns (uint256)',
    'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
    'event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)',
    'event Transfer(address indexed from, address indexed to, uint256 value)',
  ])
  const nonceTopics = [abi[2], abi[3]].map((event) => toEventSelector(event))
  return { client, abi, nonceTopics, parseEventLogs }
}

async function readChainReceipt(
  { client, abi, parseEventLogs }: Connection,
  token: string,
  transaction: string,
): Promise<TokenReceipt | undefined> {
  const receipt = await client
    .getTransactionReceipt({ hash: transaction as Hex })
    .catch((error) => {
      if ((error as Error).name === 'TransactionReceiptNotFoundError') return undefined
      throw error
    })
  if (receipt?.status !== 'success') return undefined
  const logs = receipt.logs.filter((log) => log.address.toLowerCase() === token.toLowerCase())
  const events = parseEventLogs({ abi, logs, strict: true }).map((log): TokenEvent => {
    if (log.eventName === 'Transfer') {
      const { from, to, value } = log.args
      return { kind: 'transfer', from: from.toLowerCase(), to: to.toLowerCase(), value }
    }
    const { authorizer, nonce } = log.args
    const kind = log.eventName === 'AuthorizationUsed' ? 'used' : 'canceled'
    return { kind, authorizer: authorizer.toLowerCase(), nonce: nonce.toLowerCase() }
  })
  return { transaction: receipt.transactionHash, block: receipt.blockNumber, events }
}

/** Pads an address to the form of an event's indexed argument. */
function padAddress(address: string): Hex {
  return `0x${address.slice(2).toLowerCase().padStart(64, '0')}`
}
