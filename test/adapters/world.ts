import {
  type AskInput,
  type Bursar,
  createBursar,
  type LimitsInput,
  type PaymentSession,
} from '@bursar/core'
import {
  type FakeChain,
  type FakeMerchant,
  type FakeMerchantOptions,
  fakeAsset,
  fakeChain,
  fakeMerchant,
  fakeRail,
  fakeWallet,
  type ManualClock,
  manualClock,
} from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'

/** A whole guard over fakes, with one session of one end user. */
export interface World {
  readonly clock: ManualClock
  readonly chain: FakeChain
  readonly merchant: FakeMerchant
  readonly bursar: Bursar
  readonly session: PaymentSession
  readonly token: string
}

export interface WorldOptions extends Omit<FakeMerchantOptions, 'chain'> {
  readonly limits?: LimitsInput
  readonly ask?: AskInput
}

const host = 'shop.example'

/** Opens a world in which everything costs one cent, and the session has one dollar. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const { limits = { currency: 'USD', total: '1.00' }, ask, ...merchantOptions } = options
  const clock = manualClock()
  const chain = fakeChain({ clock })
  const wallet = fakeWallet()
  chain.mint(fakeAsset, await wallet.address('evm'), 1_000_000_000n)
  const merchant = fakeMerchant({ chain, ...merchantOptions })
  const bursar = createBursar({
    store: sqliteStore({ path: ':memory:', clock }),
    rails: [fakeRail({ chain })],
    http: merchant,
    assets: [fakeAsset],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet } },
  })
  const delegation = await bursar.endUser('alice').grantDelegation({
    agent: 'researcher',
    instrument: 'alice-wallet',
    expiresIn: '30d',
    limits: { currency: 'USD', total: '100.00' },
    merchants: [{ host }],
    consent: { how: 'test' },
  })
  const { token } = await bursar.management.createSession({
    delegation: delegation.id,
    expiresIn: '8h',
    limits,
    ask,
  })
  return { clock, chain, merchant, bursar, session: bursar.openSession(token), token }
}

/** A URL of the shop; each path is another resource. */
export function shop(path: string): string {
  return `https://${host}/${path}`
}
