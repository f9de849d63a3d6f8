import { type Bursar, createBursar, type EndUser, type PaymentSession } from '@bursar/core'
import { startSandbox } from '@bursar/sandbox'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { privateKeyToAccount } from 'viem/accounts'

const sandbox = await startSandbox()
const { privateKey } = await sandbox.createAccount('10.00')
const { url, host } = sandbox.merchants.honest

/** Costs 0.01 test dollars. */
export const quote: string = `${url}/quote`

/** Costs 0.02 test dollars. */
export const prices: string = `${url}/prices.csv`

export const bursar: Bursar = createBursar({
  store: sqliteStore({ path: ':memory:' }),
  rails: [x402({ networks: { [sandbox.network]: { rpcUrl: sandbox.rpcUrl } } })],
  instruments: {
    'alice-wallet': {
      endUser: 'alice',
      wallet: viemWallet({ account: privateKeyToAccount(privateKey) }),
    },
  },
  assets: [sandbox.asset],
  development: { hosts: sandbox.hosts },
})

export const alice: EndUser = bursar.endUser('alice')

// Alice lets the agent spend, and wants to be asked for more than a cent.
const delegation = await alice.grantDelegation({
  agent: 'researcher',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  merchants: [{ host }],
  ask: { above: '0.01' },
  consent: { how: 'settings page' },
  limits: { currency: 'USD', total: '5.00' },
})

const { token } = await bursar.management.createSession({
  delegation: delegation.id,
  expiresIn: '30m',
  limits: { currency: 'USD', total: '1.00' },
})

/** What the agent is handed: it can pay within its limits, and nothing else. */
export const session: PaymentSession = bursar.openSession(token)

/** Ends the guard, and then the world that it paid in. */
export async function close(): Promise<void> {
  await bursar.close()
  await sandbox.stop()
}
