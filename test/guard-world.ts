import {
  type AskInput,
  type Bursar,
  createBursar,
  type LimitsInput,
  type PaymentSession,
  type Permissions,
  type Policy,
  type Store,
} from '@bursar/core'
import {
  type FakeChain,
  type FakeMerchant,
  type FakeMerchantOptions,
  type FakeRail,
  type FakeWallet,
  fakeAsset,
  fakeChain,
  fakeMerchant,
  fakeRail,
  fakeWallet,
  type ManualClock,
  manualClock,
} from '@bursar/core/testing'
import { storeAt } from './places/store-place.ts'

/** A guard over fakes and a real store, with one delegation and one session. */
export interface GuardWorld {
  readonly clock: ManualClock
  readonly chain: FakeChain
  readonly rail: FakeRail
  readonly wallet: FakeWallet
  readonly merchant: FakeMerchant
  readonly store: Store
  readonly bursar: Bursar
  readonly delegation: string
  readonly session: PaymentSession
  readonly token: string
  /** Another guard over the same store, chain and merchant, as another process would have it. */
  reopen(): Bursar
}

/** The options of a world: its parts, and the limits of its end user and its manager. */
export interface GuardWorldOptions extends Partial<Omit<FakeMerchantOptions, 'chain'>> {
  /** The place of the store's data. Without it the data is in memory, or in a database of its own. */
  readonly place?: string
  readonly clock?: ManualClock
  readonly chain?: FakeChain
  readonly limits?: LimitsInput
  readonly delegationLimits?: LimitsInput
  readonly merchants?: readonly { host: string; payees?: readonly string[] }[] | 'none'
  readonly sessionMerchants?: readonly { host: string; payees?: readonly string[] }[]
  readonly ask?: AskInput
  readonly sessionAsk?: AskInput
  readonly policies?: readonly Policy[]
  /** The life of the session, 30 minutes if not given. */
  readonly expiresIn?: string
  readonly repeatAfter?: string
  readonly rail?: (rail: FakeRail) => FakeRail
  readonly store?: (store: Store) => Store
  readonly permissions?: Permissions
}

export const HOST = 'shop.example'

/** The place of data for worlds that name none, and the end of their stores. */
export const usual = {
  place: async (): Promise<string> => ':memory:',
  opened: (_store: Store): void => {},
}

/**
 * Opens a guard at a shop where every resource costs one cent. The delegation has a limit of 100
 * dollars, the session of one.
 */
export async function guardWorld(options: GuardWorldOptions = {}): Promise<GuardWorld> {
  const clock = options.clock ?? manualClock()
  const chain = options.chain ?? fakeChain({ clock })
  const wallet = fakeWallet()
  const plainRail = fakeRail({ chain })
  const rail = options.rail ? options.rail(plainRail) : plainRail
  const { resource = () => ({}), onMoment = () => {} } = options
  const merchant = fakeMerchant({ chain, resource, onMoment })
  const plainStore = storeAt(options.place ?? (await usual.place()), clock)
  usual.opened(plainStore)
  const store = options.store ? options.store(plainStore) : plainStore
  if (chain.balance(fakeAsset, await wallet.address('evm')) === 0n) {
    chain.mint(fakeAsset, await wallet.address('evm'), 1_000_000_000n)
  }
  const reopen = (): Bursar =>
    createBursar({
      store,
      rails: [rail],
      http: merchant,
      assets: [fakeAsset],
      policies: options.policies,
      instruments: {
        'alice-wallet': { endUser: 'alice', wallet, permissions: options.permissions },
      },
    })
  const bursar = reopen()
  const { merchants = [{ host: HOST }] } = options
  const delegation = await bursar.endUser('alice').grantDelegation({
    agent: 'researcher',
    instrument: 'alice-wallet',
    expiresIn: '30d',
    limits: options.delegationLimits ?? { currency: 'USD', total: '100.00' },
    merchants: merchants === 'none' ? undefined : merchants,
    ask: options.ask,
    consent: { how: 'test' },
  })
  const { token } = await bursar.management.createSession({
    delegation: delegation.id,
    expiresIn: options.expiresIn ?? '30m',
    limits: options.limits ?? { currency: 'USD', total: '1.00' },
    merchants: options.sessionMerchants,
    ask: options.sessionAsk,
    repeatAfter: options.repeatAfter,
  })
  const session = bursar.openSession(token)
  return {
    clock,
    chain,
    rail,
    wallet,
    merchant,
    store,
    bursar,
    delegation: delegation.id,
    session,
    token,
    reopen,
  }
}

/** Returns a URL of the shop. Each path is another resource. */
export function shop(path: string): string {
  return `https://${HOST}/${path}`
}

/** Returns the amount that has left the payer's account on the chain, in atomic units. */
export function spentOnChain(world: Pick<GuardWorld, 'chain'>): bigint {
  return world.chain.transfers().reduce((sum, transfer) => sum + transfer.atomic, 0n)
}
