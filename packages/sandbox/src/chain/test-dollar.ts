import { getAbiItem, parseAbi, parseUnits } from 'viem'
import type { Chain } from './chain.ts'
import artifact from './test-usd.compiled.json' with { type: 'json' }

/** The test dollar as a guard pins it. `name` and `version` are its EIP-712 domain. */
export interface SandboxAsset {
  readonly network: 'eip155:31337'
  readonly address: `0x${string}`
  readonly symbol: 'TUSD'
  readonly currency: 'USD'
  readonly decimals: 6
  readonly name: 'Test USD'
  readonly version: '1'
}

/** One transfer of the test dollar on the chain. The `from` of a mint is the zero address. */
export interface SandboxTransfer {
  readonly from: `0x${string}`
  readonly to: `0x${string}`
  /** The amount in atomic units, six decimals. */
  readonly value: bigint
  readonly transaction: `0x${string}`
}

/** The test dollar on one chain. */
export interface TestDollar {
  readonly asset: SandboxAsset
  /** Mints a decimal amount. Throws a RangeError for more than six decimals. */
  mint(to: `0x${string}`, amount: string): Promise<void>
  /** Returns a balance in atomic units. */
  balanceOf(address: `0x${string}`): Promise<bigint>
  /** Returns every transfer so far, oldest first. */
  transfers(): Promise<readonly SandboxTransfer[]>
}

const decimals = 6

const abi = parseAbi([
  'function mint(address to, uint256 value)',
  'function balanceOf(address account) view returns (uint256)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
])

/** Deploys the test dollar. */
export async function deployTestDollar(chain: Chain): Promise<TestDollar> {
  const address = await chain.deploy(artifact.bytecode as `0x${string}`)
  const { client } = chain
  return {
    asset: {
      network: 'eip155:31337',
      address,
      symbol: 'TUSD',
      currency: 'USD',
      decimals,
      name: 'Test USD',
      version: '1',
    },
    async mint(to, amount) {
      const args = [to, toAtomicDollars(amount)]
      await chain.writeContract({ address, abi, functionName: 'mint', args })
    },
    balanceOf: (account) =>
      client.readContract({ address, abi, functionName: 'balanceOf', args: [account] }),
    async transfers() {
      const event = getAbiItem({ abi, name: 'Transfer' })
      const logs = await client.getLogs({ address, event, fromBlock: 0n, strict: true })
      return logs.map((log) => ({
        from: log.args.from,
        to: log.args.to,
        value: log.args.value,
        transaction: log.transactionHash,
      }))
    },
  }
}

/**
 * Converts a decimal amount to atomic units. Throws a RangeError for anything but up to six
 * decimals.
 */
export function toAtomicDollars(amount: string): bigint {
  if (/^\d+(\.\d{1,6})?$/.test(amount)) return parseUnits(amount, decimals)
  throw new RangeError(
    `'${amount}' is not a decimal amount such as 10.00, with at most six decimals.`,
  )
}
