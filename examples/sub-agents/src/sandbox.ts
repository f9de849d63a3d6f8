import { type Bursar, createBursar, type PaymentSession } from '@bursar/core'
import { startSandbox } from '@bursar/sandbox'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { privateKeyToAccount } from 'viem/accounts'

const sandbox = await startSandbox()
const { privateKey } = await sandbox.createAccount('10.00')

/** A merchant of the sandbox; its free `/catalogue` says what costs what. */
export const market: { readonly host: string; readonly url: string } = sandbox.merchants.honest

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

const delegation = await bursar.endUser('alice').grantDelegation({
  agent: 'editor',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  merchants: [{ host: market.host }],
  consent: { how: 'settings page' },
  limits: { currency: 'USD', total: '5.00' },
})

const { token } = await bursar.management.createSession({
  delegation: delegation.id,
  expiresIn: '1h',
  limits: { currency: 'USD', total: '0.10' },
})

/** What the supervisor is handed: it can pay, and open narrower sessions, and nothing else. */
export const supervisor: PaymentSession = bursar.openSession(token)

/** Ends the guard, and then the world that it paid in. */
export async function close(): Promise<void> {
  await bursar.close()
  await sandbox.stop()
}
