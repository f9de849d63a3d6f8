import { postgresPlaces } from './postgres-places.ts'
import { sqlitePlaces } from './sqlite-places.ts'
import type { StoreKind, StorePlaces } from './store-place.ts'

/** Makes room for the stores of a kind; for PostgreSQL this starts a server. */
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
