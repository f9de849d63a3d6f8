#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { describeWorld, formatWorld, startSandbox } from './index.ts'

const usage = `Usage: bursar-sandbox [--json] [--balance <dollars>]

Starts a paid world on this machine and runs it until you stop it (Ctrl-C).

  --balance  the balance of the new account in dollars (default: 100.00)
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
  // The signals are watched before anything starts, so that Ctrl-C always stops everything.
  const interrupted = waitForInterruption()
  const sandbox = await startSandbox()
  try {
    const account = await sandbox.createAccount(options.balance)
    const world = describeWorld(sandbox, account)
    process.stdout.write(options.json ? `${JSON.stringify(world)}\n` : formatWorld(world))
    await interrupted
  } finally {
    await sandbox.stop()
  }
}

function waitForInterruption(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
