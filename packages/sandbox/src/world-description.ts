import type { Merchant } from './merchants/merchant.ts'
import type { Sandbox, SandboxAccount } from './sandbox.ts'

/** The description of a sandbox for another process, as plain JSON. */
export interface WorldDescription {
  readonly rpcUrl: string
  readonly network: string
  readonly facilitatorUrl: string
  readonly asset: Sandbox['asset']
  /** The hosts that a guard must allow in development mode, `name.localhost:port`. */
  readonly hosts: readonly string[]
  readonly account: SandboxAccount
  readonly merchants: readonly {
    readonly name: string
    readonly url: string
    readonly address: string
    readonly payee: string
    readonly resources: readonly {
      readonly method: string
      readonly path: string
      readonly price: string | undefined
    }[]
  }[]
}

/**
 * Describes a running sandbox, with an account to pay from.
 *
 * @example
 * ```ts
 * import { describeWorld, startSandbox } from '@bursar/sandbox'
 *
 * await using sandbox = await startSandbox()
 * const account = await sandbox.createAccount('10.00')
 * console.log(JSON.stringify(describeWorld(sandbox, account)))
 * ```
 */
export function describeWorld(sandbox: Sandbox, account: SandboxAccount): WorldDescription {
  const { honest, legacy, hostile } = sandbox.merchants
  const { rpcUrl, network, facilitatorUrl, asset, hosts } = sandbox
  const shops: readonly Merchant[] = [honest, legacy, ...Object.values(hostile)]
  const merchants = shops.map(({ name, url, address, payee, resources }) => ({
    name,
    url,
    address,
    payee,
    resources: resources.map(({ method, path, price }) => ({ method, path, price })),
  }))
  return { rpcUrl, network, facilitatorUrl, asset, hosts, account, merchants }
}

/**
 * Formats a description as text for people.
 *
 * @example
 * ```ts
 * import { describeWorld, formatWorld, startSandbox } from '@bursar/sandbox'
 *
 * await using sandbox = await startSandbox()
 * const account = await sandbox.createAccount('10.00')
 * console.log(formatWorld(describeWorld(sandbox, account)))
 * ```
 */
export function formatWorld(world: WorldDescription): string {
  const lines = [
    `chain        ${world.rpcUrl} (${world.network})`,
    `facilitator  ${world.facilitatorUrl}`,
    `test dollar  ${world.asset.address} (${world.asset.symbol}, ${world.asset.decimals} decimals)`,
    `account      ${world.account.address}`,
    `  its key    ${world.account.privateKey} (for this chain only)`,
    '',
  ]
  for (const merchant of world.merchants) {
    lines.push(`${merchant.name.padEnd(21)}${merchant.url}  (${merchant.address})`)
    for (const { method, path, price } of merchant.resources) {
      const cost = price === undefined ? 'free' : `${price} TUSD`
      lines.push(`  ${method.padEnd(5)}${path.padEnd(27)}${cost}`)
    }
  }
  return `${lines.join('\n')}\n\nStop with Ctrl-C.\n`
}
