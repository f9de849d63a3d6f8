import { type Bursar, createBursar, type Store } from '@bursar/core'
import { fakeAsset, fakeChain, fakeMerchant, fakeRail, fakeWallet } from '@bursar/core/testing'
import { HOST } from './payment.ts'

/** The number of sessions of one delegation: about as many as an agent has at a time. */
const SESSIONS_PER_DELEGATION = 10

/**
 * The number of delegations granted at the same time: their sessions fill some batches of a store.
 */
const AT_ONCE = 32

/** A session with its token. */
export interface Account {
  readonly session: string
  readonly token: string
}

/** Creates delegations and sessions through a guard, and closes the guard. The store stays open. */
export async function openAccounts(store: Store, sessions: number): Promise<readonly Account[]> {
  const chain = fakeChain()
  const wallet = fakeWallet()
  chain.mint(fakeAsset, await wallet.address('evm'), 1n)
  const bursar = createBursar({
    // The guard is closed so that its background work does not disturb the measurement.
    store: { ...store, close: async () => {} },
    rails: [fakeRail({ chain })],
    http: fakeMerchant({ chain }),
    assets: [fakeAsset],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet } },
  })
  const accounts: Account[] = []
  let asked = 0
  const owner = async (): Promise<void> => {
    while (asked < sessions) {
      const some = Math.min(SESSIONS_PER_DELEGATION, sessions - asked)
      asked += some
      accounts.push(...(await delegationOf(bursar, some)))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, owner))
  await bursar.close()
  return accounts
}

/**
 * Creates one delegation with some sessions, with limits of each kind that a first application
 * sets.
 */
async function delegationOf(bursar: Bursar, sessions: number): Promise<readonly Account[]> {
  const delegation = await bursar.endUser('alice').grantDelegation({
    agent: 'researcher',
    instrument: 'alice-wallet',
    expiresIn: '30d',
    merchants: [{ host: HOST }],
    limits: {
      currency: 'USD',
      total: '1000000000.00',
      windows: [{ per: 'utc-day', amount: '1000000000.00' }],
    },
    consent: { how: 'benchmark' },
  })
  const created = Array.from({ length: sessions }, () =>
    bursar.management.createSession({
      delegation: delegation.id,
      expiresIn: '8h',
      limits: { currency: 'USD', total: '1000000000.00', perPayment: '1.00' },
    }),
  )
  return (await Promise.all(created)).map(({ id, token }) => ({ session: id, token }))
}
