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

/** With epochs of one slot a block is final once two blocks follow it. */
const blocksUntilFinal = 2

/** One ether: more than any transaction here costs. */
const gasMoneyWei = 10n ** 18n

/** A mint or a transfer takes less than 100,000; with a fixed limit one that fails is mined, too. */
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

/** A chain of its own, and the clock that moves with it. */
export interface Chain {
  readonly rpcUrl: string
  readonly processId: number
  readonly client: Client
  /** The machine's time plus all that was advanced, in milliseconds. */
  clock(): number
  advanceTime(seconds: number): Promise<void>
  mine(blocks: number): Promise<void>
  /** Resolves to the transaction's hash when it is mined, whether it succeeded or not. */
  writeContract(call: ContractCall): Promise<`0x${string}`>
  /** Deploys a contract without arguments and resolves to its address. */
  deploy(bytecode: `0x${string}`): Promise<`0x${string}`>
  stop(): Promise<void>
}

/** Starts a chain; it lives until it is stopped or this process ends. */
export async function startChain(): Promise<Chain> {
  const anvil = await startAnvil()
  const client = createTestClient({
    mode: 'anvil',
    chain: sandboxChain(anvil.rpcUrl),
    transport: http(anvil.rpcUrl),
  }).extend(publicActions)
  let advancedMs = 0
  const mine = async (blocks: number): Promise<void> => {
    assertWhole('blocks', blocks)
    await client.mine({ blocks, interval: 0 })
  }
  return {
    rpcUrl: anvil.rpcUrl,
    processId: anvil.processId,
    client,
    clock: () => Date.now() + advancedMs,
    async advanceTime(seconds) {
      assertWhole('seconds', seconds)
      await client.increaseTime({ seconds })
      advancedMs += seconds * 1000
      // One more, so that the final block, too, carries the new time.
      await mine(blocksUntilFinal + 1)
    },
    mine,
    async writeContract({ address, abi, functionName, args }) {
      const data = encodeFunctionData({ abi: abi as Abi, functionName, args })
      const gas = numberToHex(callGasLimit)
      return (await send(client, { to: address, data, gas })).transactionHash
    },
    async deploy(bytecode) {
      const { contractAddress } = await send(client, { data: bytecode })
      if (contractAddress == null) throw new Error('The transaction made no contract.')
      return getAddress(contractAddress)
    },
    stop: () => anvil.stop(),
  }
}

/** Written out here because loading viem's list of all chains takes longer than starting one. */
function sandboxChain(rpcUrl: string): ViemChain {
  return defineChain({
    id: 31337,
    name: 'Sandbox',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
}

/**
 * Sends a transaction from a new account and resolves when it is mined.
 *
 * Anvil's pool can strand a transaction that arrives while the one before it from the same account
 * is being mined, and then all that follow it wait for ever. A new account has none before it.
 * Anvil sends for every account without a signature, so there is no key either.
 */
async function send(
  client: Client,
  transaction: { to?: `0x${string}`; data: `0x${string}`; gas?: `0x${string}` },
): Promise<RpcTransactionReceipt> {
  const from = getAddress(`0x${randomBytes(20).toString('hex')}`)
  await client.setBalance({ address: from, value: gasMoneyWei })
  const request = client.request as (call: object) => Promise<RpcTransactionReceipt>
  return request({ method: 'eth_sendTransactionSync', params: [{ from, ...transaction }] })
}

function assertWhole(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return
  throw new RangeError(`${name} is ${value}; it must be a whole number above zero.`)
}
