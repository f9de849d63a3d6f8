import type { Merchant } from './merchants/merchant.ts'
import type { Sandbox, SandboxAccount } from './sandbox.ts'

/** A sandbox as another process has to know it. Plain JSON. */
export interface ShownWorld {
  readonly rpcUrl: string
  readonly network: string
  readonly facilitatorUrl: string
  readonly asset: Sandbox['asset']
  /** What a guard must allow in development mode. */
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

/** Describes a sandbox that runs, with an account that can be paid from. */
export function shownWorld(sandbox: Sandbox, account: SandboxAccount): ShownWorld {
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

/** The same as text for people. */
export function worldText(world: ShownWorld): string {
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
