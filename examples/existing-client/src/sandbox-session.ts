import { createBursar, type PaymentSession } from '@bursar/core'
import { startSandbox } from '@bursar/sandbox'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { privateKeyToAccount } from 'viem/accounts'

const sandbox = await startSandbox()
const { privateKey } = await sandbox.createAccount('10.00')
const { url, host } = sandbox.merchants.honest

const bursar = createBursar({
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
  agent: 'translator',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  merchants: [{ host }],
  consent: { how: 'settings page' },
  limits: { currency: 'USD', total: '5.00' },
})

const { token } = await bursar.management.createSession({
  delegation: delegation.id,
  expiresIn: '30m',
  limits: { currency: 'USD', total: '1.00', perPayment: '0.10' },
})

/** What existing code is handed: it can pay within its limits, and nothing else. */
export const session: PaymentSession = bursar.openSession(token)

export const marketUrl: string = url

/** Ends the guard, and then the world that it paid in. */
export async function close(): Promise<void> {
  await bursar.close()
  await sandbox.stop()
}
