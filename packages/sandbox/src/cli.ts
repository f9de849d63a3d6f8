#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { shownWorld, startSandbox, worldText } from './index.ts'

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
    const world = shownWorld(sandbox, account)
    process.stdout.write(options.json ? `${JSON.stringify(world)}\n` : worldText(world))
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
