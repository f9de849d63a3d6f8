import { randomBytes } from 'node:crypto'
import {
  type Abi,
  createTestClient,
  defineChain,
  encodeFunctionData,
  getAddress,
  type HttpTransport,
  http,
  numberToHex,
  type PublicActions,
  publicActions,
  type RpcTransactionReceipt,
  type TestClient,
  type Chain as ViemChain,
} from 'viem'
import { startAnvil } from './anvil.ts'

/** The blocks that must follow a block until it is final, with epochs of one slot. */
const blocksUntilFinal = 2

/** The balance of a sender, in wei. One ether is more than any transaction here costs. */
const gasMoneyWei = 10n ** 18n

/**
 * The gas limit of a call. A mint or a transfer takes less than 100,000. With a fixed limit a
 * failing transaction is mined as well.
 */
const callGasLimit = 200_000n

type Client = TestClient<'anvil', HttpTransport, ViemChain> &
  PublicActions<HttpTransport, ViemChain>

/** A call that changes a contract. */
export interface ContractCall {
  readonly address: `0x${string}`
  readonly abi: readonly unknown[]
  readonly functionName: string
  readonly args: readonly unknown[]
}

/** A chain, and the clock that moves with it. */
export interface Chain {
  readonly rpcUrl: string
  readonly processId: number
  readonly client: Client
  /** Returns the machine's time plus all advances, in Unix milliseconds. */
  clock(): number
  /**
   * Moves the chain's time and the clock ahead. Throws a RangeError unless `seconds` is a positive
   * integer.
   */
  advanceTime(seconds: number): Promise<void>
  /** Mines empty blocks. Throws a RangeError unless `blocks` is a positive integer. */
  mine(blocks: number): Promise<void>
  /**
   * Sends a call. Resolves with the transaction's hash once it is mined, even if the call failed.
   */
  writeContract(call: ContractCall): Promise<`0x${string}`>
  /** Deploys a contract without arguments. Resolves with its address. */
  deploy(bytecode: `0x${string}`): Promise<`0x${string}`>
  stop(): Promise<void>
}

/** Starts a chain. It runs until it is stopped or this process ends. */
export async function startChain(): Promise<Chain> {
  const anvil = await startAnvil()
  const client = createTestClient({
    mode: 'anvil',
    chain: describeChain(anvil.rpcUrl),
    transport: http(anvil.rpcUrl),
  }).extend(publicActions)
  let advancedMs = 0
  const mine = async (blocks: number): Promise<void> => {
    assertWholeChainAmount('blocks', blocks)
    await client.mine({ blocks, interval: 0 })
  }
  return {
    rpcUrl: anvil.rpcUrl,
    processId: anvil.processId,
    client,
    clock: () => Date.now() + advancedMs,
    async advanceTime(seconds) {
      assertWholeChainAmount('seconds', seconds)
      await client.increaseTime({ seconds })
      advancedMs += seconds * 1000
      // One block more than needed, so that the final block has the new time as well.
      await mine(blocksUntilFinal + 1)
    },
    mine,
    async writeContract({ address, abi, functionName, args }) {
      const data = encodeFunctionData({ abi: abi as Abi, functionName, args })
      const gas = numberToHex(callGasLimit)
      return (await sendChainTransaction(client, { to: address, data, gas })).transactionHash
    },
    async deploy(bytecode) {
      const { contractAddress } = await sendChainTransaction(client, { data: bytecode })
      if (contractAddress == null) throw new Error('The deployment created no contract.')
      return getAddress(contractAddress)
    },
    stop: () => anvil.stop(),
  }
}

/**
 * Describes the chain for viem. Loading viem's list of all chains would take longer than starting a
 * chain.
 */
function describeChain(rpcUrl: string): ViemChain {
  return defineChain({
    id: 31337,
    name: 'Sandbox',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
}

/**
 * Sends a transaction from a new account. Resolves when it is mined.
 *
 * Anvil's pool can strand a transaction that arrives while the previous one of its account is being
 * mined. All later transactions of that account then wait forever. A new account has no previous
 * transaction. Anvil sends for any account without a signature, so the account needs no key.
 */
async function sendChainTransaction(
  client: Client,
  transaction: { to?: `0x${string}`; data: `0x${string}`; gas?: `0x${string}` },
): Promise<RpcTransactionReceipt> {
  const from = getAddress(`0x${randomBytes(20).toString('hex')}`)
  await client.setBalance({ address: from, value: gasMoneyWei })
  const request = client.request as (call: object) => Promise<RpcTransactionReceipt>
  return request({ method: 'eth_sendTransactionSync', params: [{ from, ...transaction }] })
}

function assertWholeChainAmount(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return
  throw new RangeError(`${name} is ${value}. It must be a whole number above zero.`)
}
