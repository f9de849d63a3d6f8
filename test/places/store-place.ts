import type { Store } from '@bursar/core'
import { postgresStore } from '@bursar/store-postgres'
import { sqliteStore } from '@bursar/store-sqlite'

/** A store by the place of its data, so that another process can be told it: a URL or a file. */
export function storeAt(place: string, clock?: () => number): Store {
  return place.startsWith('postgres:')
    ? postgresStore({ url: place, clock })
    : sqliteStore({ path: place, clock })
}

/** Where a kind of store keeps its data in tests. */
export interface StorePlaces {
  readonly kind: StoreKind
  /** A place without anything in it. */
  empty(): Promise<string>
  /** Another place with the same data, once everybody has left the first. */
  copyOf(place: string): Promise<string>
  /** Waits until whoever used a place has left it, and what is done for the killed has ended. */
  left(place: string): Promise<void>
  remove(place: string): Promise<void>
  stop(): Promise<void>
}

export type StoreKind = 'sqlite' | 'postgres'

export const storeKinds: readonly StoreKind[] = ['sqlite', 'postgres']
