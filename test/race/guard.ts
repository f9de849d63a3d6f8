import { type Bursar, type BursarOptions, createBursar } from '@bursar/core'
import { type FakeChain, fakeAsset, fakeMerchant, fakeRail, fakeWallet } from '@bursar/core/testing'
import { storeAt } from '../places/store-place.ts'

/** Opens a process's own guard, over the store and the chain that all processes share. */
export function raceGuard(place: string, chain: FakeChain): Bursar {
  return createBursar({ ...raceParts(chain), store: storeAt(place) })
}

/** Returns the options of a racing guard, except its store. */
export function raceParts(chain: FakeChain): Omit<BursarOptions, 'store'> {
  return {
    rails: [fakeRail({ chain })],
    http: fakeMerchant({ chain }),
    assets: [fakeAsset],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet: fakeWallet() } },
  }
}
