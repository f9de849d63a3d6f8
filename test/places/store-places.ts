import { postgresPlaces } from './postgres-places.ts'
import { sqlitePlaces } from './sqlite-places.ts'
import type { StoreKind, StorePlaces } from './store-place.ts'

/** Creates the places for a kind of store. For PostgreSQL this starts a server. */
export async function storePlaces(kind: StoreKind): Promise<StorePlaces> {
  switch (kind) {
    case 'sqlite':
      return sqlitePlaces()
    case 'postgres':
      return await postgresPlaces()
    default:
      return kind satisfies never
  }
}
