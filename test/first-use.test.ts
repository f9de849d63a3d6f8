import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** The time limit of a test, which starts a process. */
const BUDGET_MS = 60_000

/** Returns the modules that a process resolves to make a part, and at its failing first use. */
function resolved(name: string, made: string, use: string) {
  const script = `
    import { registerHooks } from 'node:module'
    let phase = 'made'
    registerHooks({ resolve(name, context, next) {
      console.log(phase, name)
      return next(name, context)
    } })
    const part = await import('${name}').then((parts) => parts.${made})
    phase = 'used'
    await part.${use}.catch(() => {})
    process.exit()`
  const options = { cwd: import.meta.dirname, encoding: 'utf8' } as const
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script], options)
  const names = (phase: string): readonly string[] =>
    ran.stdout
      .split('\n')
      .filter((line) => line.startsWith(phase))
      .map((line) => line.slice(phase.length + 1))
  return { made: names('made'), used: names('used'), problems: ran.stderr }
}

const key = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd'

test.each([
  [
    '@coinbase/cdp-sdk',
    '@bursar/wallet-cdp',
    `cdpWallet({ account: 'alice', credentials: async () => ({}) })`,
    `address('evm')`,
  ],
  [
    '@privy-io/node',
    '@bursar/wallet-privy',
    `privyWallet({ wallet: 'a', owner: { userId: 'a' }, credentials: async () => ({ appId: '' }) })`,
    `address('evm')`,
  ],
  [
    '@aws-sdk/client-kms',
    'bursar',
    `awsKmsKey({ keyArn: '${key}', endpoint: 'http://127.0.0.1:9' })`,
    `wrap(Buffer.alloc(32), { name: 'a', version: 1, purpose: 'wallet' })`,
  ],
])(
  '%s is loaded when %s first needs it, and not before',
  (sdk, name, made, use) => {
    const seen = resolved(name, made, use)
    expect(seen.problems).toBe('')
    expect(seen.made).toContain(name)
    expect(seen.made.filter((one) => one.startsWith(sdk))).toEqual([])
    expect(seen.used.some((one) => one.startsWith(sdk))).toBe(true)
  },
  BUDGET_MS,
)
