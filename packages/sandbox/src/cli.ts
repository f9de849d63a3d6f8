#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { type Merchant, type Sandbox, startSandbox } from './index.ts'

const usage = `Usage: bursar-sandbox [--json] [--balance <dollars>]

Starts a paid world on this machine and keeps it up until it is interrupted (Ctrl-C).

  --balance  what the account that it creates holds: 100.00 if not given
  --json     print one line of JSON instead of text
  --help     print this text
`

try {
  await main()
} catch (error) {
  process.stderr.write(`bursar-sandbox: ${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      balance: { type: 'string', default: '100.00' },
      help: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  if (options.help) {
    process.stdout.write(usage)
    return
  }
  // Asked for before anything starts, so that an interruption at any time stops it all.
  const interrupted = interruption()
  const sandbox = await startSandbox()
  try {
    const account = await sandbox.createAccount(options.balance)
    const world = describe(sandbox, account)
    process.stdout.write(options.json ? `${JSON.stringify(world)}\n` : layOut(world))
    await interrupted
  } finally {
    await sandbox.stop()
  }
}

function interruption(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}

interface World {
  readonly rpcUrl: string
  readonly network: string
  readonly facilitatorUrl: string
  readonly asset: Sandbox['asset']
  readonly account: { readonly address: string; readonly privateKey: string }
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

function describe(sandbox: Sandbox, account: World['account']): World {
  const { honest, legacy, hostile } = sandbox.merchants
  const { rpcUrl, network, facilitatorUrl, asset } = sandbox
  const shops: readonly Merchant[] = [honest, legacy, ...Object.values(hostile)]
  const merchants = shops.map(({ name, url, address, payee, resources }) => ({
    name,
    url,
    address,
    payee,
    resources: resources.map(({ method, path, price }) => ({ method, path, price })),
  }))
  return { rpcUrl, network, facilitatorUrl, asset, account, merchants }
}

function layOut(world: World): string {
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
