import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startCdpService, startPrivyService } from '@bursar/sandbox'
import { expect, test } from 'vitest'

const main = fileURLToPath(new URL('./live/main.ts', import.meta.url))

/** The time limit of a test, which starts another vitest. */
const BUDGET_MS = 120_000

/** Runs `pnpm test:live` with these variables, and without any other provider's variables. */
function live(args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(CDP|PRIVY)_/.test(name))
  const env = { ...Object.fromEntries(inherited), ...variables }
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  return new Promise<{ readonly code: number | null; readonly said: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, said }))
  })
}

test.each([
  [[], 'test:live: --wallet is one of cdp, privy.\n'],
  [['--wallet', 'viem'], 'test:live: --wallet is one of cdp, privy.\n'],
  [
    ['--wallet', 'cdp'],
    'test:live: set CDP_API_KEY_SECRET, CDP_WALLET_SECRET: nothing was asked of cdp.\n',
  ],
  [
    ['--wallet', 'privy'],
    'test:live: set PRIVY_APP_ID, PRIVY_APP_SECRET, PRIVY_AUTHORIZATION_KEY, PRIVY_KEY_QUORUM_ID: nothing was asked of privy.\n',
  ],
])('without its keys the test of a real service says which are missing: %j', async (args, said) => {
  expect(await live(args, { CDP_API_KEY_ID: 'key' })).toEqual({ code: 2, said })
})

test(
  'with keys the suite of wallets asks the service, and ends as it does',
  async () => {
    const cdp = await startCdpService()
    const { apiKeyId, apiKeySecret, walletSecret } = cdp.credentials()
    const variables = {
      CDP_API_KEY_ID: apiKeyId,
      CDP_API_KEY_SECRET: apiKeySecret,
      CDP_WALLET_SECRET: walletSecret,
      CDP_URL: cdp.url,
    }
    expect(await live(['--wallet', 'cdp'], variables)).toMatchObject({ code: 0 })
    expect(cdp.signed.length).toBeGreaterThan(0)
    cdp.rotate()
    cdp.expire()
    const ended = await live(['--wallet', 'cdp'], variables)
    expect(ended.code).toBe(1)
    for (const secret of [apiKeySecret, walletSecret]) expect(ended.said).not.toContain(secret)
    await cdp.close()
  },
  BUDGET_MS,
)

test(
  'at Privy as well',
  async () => {
    const privy = await startPrivyService()
    const { appId, appSecret, authorizationKey } = privy.credentials('owner')
    const variables = {
      PRIVY_APP_ID: appId,
      PRIVY_APP_SECRET: appSecret,
      PRIVY_AUTHORIZATION_KEY: authorizationKey,
      PRIVY_KEY_QUORUM_ID: privy.ownerQuorum,
      PRIVY_URL: privy.url,
    }
    expect(await live(['--wallet', 'privy'], variables)).toMatchObject({ code: 0 })
    expect(privy.signed.length).toBeGreaterThan(0)
    await privy.close()
  },
  BUDGET_MS,
)
