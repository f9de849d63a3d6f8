import { getRequestListener } from '@hono/node-server'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { startChain } from './chain/chain.ts'
import { createFacilitator, facilitatorApp } from './chain/facilitator.ts'
import { deployTestDollar, type SandboxAsset, type SandboxTransfer } from './chain/test-dollar.ts'
import type { HostileMerchant, RedirectingMerchant } from './hostile/hostile-merchant.ts'
import { type HostileMerchants, openHostileMerchants } from './hostile/hostile-merchants.ts'
import { type HonestMerchant, openHonestMerchant } from './merchants/honest-merchant.ts'
import { type LegacyMerchant, openLegacyMerchant } from './merchants/legacy-merchant.ts'
import { openShop } from './merchants/merchant.ts'
import type { World } from './merchants/world.ts'

/** Settings of a sandbox. */
export interface SandboxOptions {
  /** How long the honest merchant's slow resource takes, in milliseconds: 100 if not given. */
  readonly slowMs?: number
}

/** An account of the sandbox's chain. It needs no gas: facilitators pay it. */
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
  /** The chain's process, so that a test can see that it is gone. */
  readonly processId: number
  /** The time for the guard, in milliseconds: it moves with the chain's when time is advanced. */
  readonly clock: () => number
  /** Moves the chain and the clock together, and makes final whatever happened before. */
  advanceTime(seconds: number): Promise<void>
  /** Mines empty blocks at once. A block is final when two more follow it. */
  mine(blocks: number): Promise<void>
  /** A new account with a random key that holds `balance` dollars: none if not given. */
  createAccount(balance?: string): Promise<SandboxAccount>
  /** Gives an address so many dollars more: the faucet for accounts whose key is elsewhere. */
  fund(address: `0x${string}`, amount: string): Promise<void>
  /** A new account with a random key that holds one ether and no dollar: for who pays gas. */
  createRelayer(): Promise<SandboxAccount>
  /** In atomic units, six decimals. */
  balanceOf(address: `0x${string}`): Promise<bigint>
  /** Every movement of the test dollar so far, oldest first: what the chain says happened. */
  transfers(): Promise<readonly SandboxTransfer[]>
  readonly merchants: {
    readonly honest: HonestMerchant
    /** Honest too, but speaks x402 version 1. */
    readonly legacy: LegacyMerchant
    /** Each robs its customers in a way of its own; its name says how. */
    readonly hostile: HostileMerchants
  }
  /** `name.localhost:port` of every merchant and its accomplice: what a guard must allow in development mode. */
  readonly hosts: readonly string[]
  /** Ends everything; a process that did nothing else ends by itself afterwards. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const defaultSlowMs = 100

const ONE_ETHER_WEI = 10n ** 18n

/**
 * Starts a chain with a test dollar, a facilitator and merchants, all in this process but the chain.
 *
 * Throws if anvil is not installed for this machine; then nothing is left running. The chain's
 * process ends with this one, however that ends.
 *
 * @example
 * await using sandbox = await startSandbox()
 * const alice = await sandbox.createAccount('10.00')
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const closers: (() => unknown)[] = []
  const stop = async (): Promise<void> => {
    // The chain started first and ends last, so that no merchant meets a dead chain.
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
  const facilitatorListener = getRequestListener(facilitatorApp(facilitator).fetch)
  const facilitatorShop = await openShop(world, 'facilitator', facilitatorListener)
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
    hosts: [honest, legacy, ...Object.values(hostile).flatMap(withAccomplice)].map(
      (merchant) => merchant.host,
    ),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function withAccomplice(
  merchant: HostileMerchant | RedirectingMerchant,
): readonly HostileMerchant[] {
  return 'accomplice' in merchant ? [merchant, merchant.accomplice] : [merchant]
}
