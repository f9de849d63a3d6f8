import { getRequestListener } from '@hono/node-server'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { startChain } from './chain/chain.ts'
import { createFacilitator, createFacilitatorApp } from './chain/facilitator.ts'
import { deployTestDollar, type SandboxAsset, type SandboxTransfer } from './chain/test-dollar.ts'
import type { HostileMerchant, RedirectingMerchant } from './hostile/hostile-merchant.ts'
import { type HostileMerchants, openHostileMerchants } from './hostile/hostile-merchants.ts'
import { type HonestMerchant, openHonestMerchant } from './merchants/honest-merchant.ts'
import { type LegacyMerchant, openLegacyMerchant } from './merchants/legacy-merchant.ts'
import { openMerchantShop } from './merchants/merchant.ts'
import type { World } from './merchants/world.ts'

/** The options of `startSandbox`. */
export interface SandboxOptions {
  /**
   * The time that the honest merchant's resource `/slow` takes, in milliseconds.
   *
   * @default 100
   */
  readonly slowMs?: number
}

/** An account on the sandbox's chain. It needs no gas, which the facilitator pays. */
export interface SandboxAccount {
  readonly address: `0x${string}`
  readonly privateKey: `0x${string}`
}

/** A paid world on one machine. Everything in it listens on the loopback interface only. */
export interface Sandbox {
  readonly rpcUrl: string
  readonly network: 'eip155:31337'
  readonly asset: SandboxAsset
  /** An x402 facilitator over HTTP, for merchants of your own. */
  readonly facilitatorUrl: string
  /** The id of the chain's process, so that a test can check that it has ended. */
  readonly processId: number
  /**
   * The clock for the guard, in Unix milliseconds. `advanceTime` moves it with the chain's time.
   */
  readonly clock: () => number
  /** Moves the chain's time and the clock ahead. Every earlier transaction becomes final. */
  advanceTime(seconds: number): Promise<void>
  /** Mines empty blocks at once. A block is final when two blocks follow it. */
  mine(blocks: number): Promise<void>
  /**
   * Makes an account with a random key that holds `balance` dollars, such as `'10.00'`. Holds none
   * by default.
   */
  createAccount(balance?: string): Promise<SandboxAccount>
  /**
   * Adds dollars to an address, such as `'10.00'`: a faucet for accounts whose key is elsewhere.
   */
  fund(address: `0x${string}`, amount: string): Promise<void>
  /** Makes an account with a random key that holds one ether and no dollar, to pay gas with. */
  createRelayer(): Promise<SandboxAccount>
  /** Returns an address's balance in atomic units, six decimals. */
  balanceOf(address: `0x${string}`): Promise<bigint>
  /** Returns every transfer of the test dollar on the chain, oldest first. */
  transfers(): Promise<readonly SandboxTransfer[]>
  readonly merchants: {
    /** A merchant that delivers as announced. */
    readonly honest: HonestMerchant
    /** An honest merchant that speaks x402 version 1. */
    readonly legacy: LegacyMerchant
    /** The hostile merchants, each named by its attack. */
    readonly hostile: HostileMerchants
  }
  /**
   * The hosts that a guard must allow in development mode: every merchant and accomplice as
   * `name.localhost:port`.
   */
  readonly hosts: readonly string[]
  /** Stops everything that the sandbox started. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const defaultSlowMs = 100

const ONE_ETHER_WEI = 10n ** 18n

/**
 * Starts a chain with a test dollar, a facilitator and merchants. The chain has a process of its
 * own, and everything else runs in this process. The chain's process ends with this one, however
 * this one ends.
 *
 * Throws if anvil is not installed for this machine, and then stops what it has started.
 *
 * @example
 * ```ts
 * import { startSandbox } from '@bursar/sandbox'
 *
 * await using sandbox = await startSandbox()
 * const alice = await sandbox.createAccount('10.00')
 * const { rpcUrl, network, hosts } = sandbox
 * ```
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const closers: (() => unknown)[] = []
  const stop = async (): Promise<void> => {
    // The chain started first and stops last, so that no merchant calls a stopped chain.
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    return await openSandbox(options, (close) => closers.push(close), stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function openSandbox(
  { slowMs = defaultSlowMs }: SandboxOptions,
  onStop: World['onStop'],
  stop: () => Promise<void>,
): Promise<Sandbox> {
  const chain = await startChain()
  onStop(() => chain.stop())
  const dollar = await deployTestDollar(chain)
  const { asset } = dollar
  const facilitator = createFacilitator(chain, asset)
  const world = { facilitator, asset, onStop }
  const facilitatorListener = getRequestListener(createFacilitatorApp(facilitator).fetch)
  const facilitatorShop = await openMerchantShop(world, 'facilitator', facilitatorListener)
  const honest = await openHonestMerchant(world, slowMs)
  const legacy = await openLegacyMerchant(world)
  const hostile = await openHostileMerchants(world)
  return {
    rpcUrl: chain.rpcUrl,
    network: asset.network,
    asset,
    facilitatorUrl: facilitatorShop.address,
    processId: chain.processId,
    clock: chain.clock,
    advanceTime: chain.advanceTime,
    mine: chain.mine,
    async createAccount(balance) {
      const privateKey = generatePrivateKey()
      const address = privateKeyToAddress(privateKey)
      if (balance !== undefined) await dollar.mint(address, balance)
      return { address, privateKey }
    },
    fund: dollar.mint,
    async createRelayer() {
      const privateKey = generatePrivateKey()
      const address = privateKeyToAddress(privateKey)
      await chain.client.setBalance({ address, value: ONE_ETHER_WEI })
      return { address, privateKey }
    },
    balanceOf: dollar.balanceOf,
    transfers: dollar.transfers,
    merchants: { honest, legacy, hostile },
    hosts: [honest, legacy, ...Object.values(hostile).flatMap(listSandboxShops)].map(
      (merchant) => merchant.host,
    ),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function listSandboxShops(
  merchant: HostileMerchant | RedirectingMerchant,
): readonly HostileMerchant[] {
  return 'accomplice' in merchant ? [merchant, merchant.accomplice] : [merchant]
}
