import type { Store } from '@bursar/core'
import { postgresStore } from '@bursar/store-postgres'
import { sqliteStore } from '@bursar/store-sqlite'

/** Opens a store by the place of its data, a URL or a file that another process can be given. */
export function storeAt(place: string, clock?: () => number): Store {
  return place.startsWith('postgres:')
    ? postgresStore({ url: place, clock })
    : sqliteStore({ path: place, clock })
}

/** The places where a kind of store keeps its data in tests. */
export interface StorePlaces {
  readonly kind: StoreKind
  /** Creates an empty place. */
  empty(): Promise<string>
  /** Copies the data of a place to a new one, once no process uses the first. */
  copyOf(place: string): Promise<string>
  /** Waits until no process uses a place, and recovery after killed processes has ended. */
  left(place: string): Promise<void>
  remove(place: string): Promise<void>
  stop(): Promise<void>
}

export type StoreKind = 'sqlite' | 'postgres'

export const storeKinds: readonly StoreKind[] = ['sqlite', 'postgres']
