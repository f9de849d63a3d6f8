/**
 * Runs the conformance suite of wallets against a real service, with keys from the environment:
 * `pnpm test:live --wallet cdp|privy`. An account without money is created there, and asked for
 * signatures that nobody is sent. Ends with 2 where a variable is missing.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../check/command.ts'
import { liveWallets, valuesOf } from './live-wallet.ts'

const { values } = parseArgs({ options: { wallet: { type: 'string' } }, strict: false })
const name = `${values.wallet}`
const live = Object.hasOwn(liveWallets, name) ? liveWallets[name] : undefined
const missing = live && valuesOf(live).missing
if (!missing) {
  console.error(`test:live: --wallet is one of ${Object.keys(liveWallets).join(', ')}.`)
  process.exitCode = 2
} else if (missing.length > 0) {
  console.error(`test:live: set ${missing.join(', ')}: nothing was asked of ${name}.`)
  process.exitCode = 2
} else {
  const vitest = join(root, 'node_modules', '.bin', 'vitest')
  const args = ['run', '--config', join('test', 'live', 'vitest.config.ts')]
  const env = { ...process.env, BURSAR_LIVE_WALLET: name }
  const child = spawn(vitest, args, { cwd: root, env, stdio: 'inherit' })
  child.on('close', (code) => {
    process.exitCode = code ?? 1
  })
}
