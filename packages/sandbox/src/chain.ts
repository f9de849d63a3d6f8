import {
  type Account,
  createTestClient,
  defineChain,
  getAddress,
  type HttpTransport,
  http,
  type PublicActions,
  publicActions,
  type TestClient,
  type Chain as ViemChain,
  type WalletActions,
  walletActions,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { startAnvil } from './anvil.ts'

/** With epochs of one slot a block is final once two blocks follow it. */
const blocksUntilFinal = 2

/** Enough for any number of transactions of one sandbox. */
const gasMoneyWei = 10n ** 24n

/** A mint or a transfer takes less than 100,000; a fixed limit spares an estimate per transaction. */
const gasLimit = 200_000n

/** Deploying the test dollar takes about 1,500,000. */
const deploymentGasLimit = 3_000_000n

/** Far above anvil's base fee, which only falls while blocks stay nearly empty. */
const maxFeePerGasWei = 10n ** 11n

/** How often a receipt is asked for; blocks come at once, so the first or second answer has it. */
const pollingIntervalMs = 10

type Client = TestClient<'anvil', HttpTransport, ViemChain> & PublicActions & WalletActions

/** An account of the sandbox itself, which pays gas. */
export interface Sender {
  readonly account: Account
  writeContract(call: {
    readonly address: `0x${string}`
    readonly abi: readonly unknown[]
    readonly functionName: string
    readonly args: readonly unknown[]
  }): Promise<`0x${string}`>
  deploy(bytecode: `0x${string}`): Promise<`0x${string}`>
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
  /** A new account with gas money, which nobody else may use: it counts its nonces itself. */
  createSender(): Promise<Sender>
  stop(): Promise<void>
}

/** Starts a chain; it lives until it is stopped or this process ends. */
export async function startChain(): Promise<Chain> {
  const anvil = await startAnvil()
  const client = createTestClient({
    mode: 'anvil',
    chain: anvilChain(anvil.rpcUrl),
    transport: http(anvil.rpcUrl),
    pollingInterval: pollingIntervalMs,
    cacheTime: 0,
  })
    .extend(publicActions)
    .extend(walletActions)
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
    createSender: () => createSender(client),
    stop: () => anvil.stop(),
  }
}

/** Written out here because loading viem's list of all chains takes longer than starting one. */
function anvilChain(rpcUrl: string): ViemChain {
  return defineChain({
    id: 31337,
    name: 'Sandbox',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
}

async function createSender(client: Client): Promise<Sender> {
  const account = privateKeyToAccount(generatePrivateKey())
  await client.setBalance({ address: account.address, value: gasMoneyWei })
  let nextNonce = 0
  // With gas, fees and nonce given nothing can fail between taking a nonce and sending it, so no
  // gap can hold up the transactions after it; and each transaction is a single request.
  const fixed = (gas: bigint) => ({
    account,
    chain: null,
    gas,
    maxFeePerGas: maxFeePerGasWei,
    maxPriorityFeePerGas: 0n,
    nonce: nextNonce++,
  })
  return {
    account,
    writeContract: (call) => client.writeContract({ ...call, ...fixed(gasLimit) }),
    async deploy(bytecode) {
      const hash = await client.deployContract({ abi: [], bytecode, ...fixed(deploymentGasLimit) })
      const receipt = await client.waitForTransactionReceipt({ hash })
      if (receipt.contractAddress == null) throw new Error(`Transaction ${hash} made no contract.`)
      return getAddress(receipt.contractAddress)
    },
  }
}

function assertWhole(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return
  throw new RangeError(`${name} is ${value}; it must be a whole number above zero.`)
}
