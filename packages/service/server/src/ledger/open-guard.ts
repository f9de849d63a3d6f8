import { type Bursar, createBursar, type Store } from '@bursar/core'
import type { Settings } from '../config/config.ts'

/** Opens the guard that some settings describe, without a listener: for the service, and for tools. */
export async function openGuard({ database, guard }: Settings): Promise<Bursar> {
  return createBursar({ ...guard, store: await openStore(database) })
}

/** Only the store that is used is loaded. */
export async function openStore(database: string): Promise<Store> {
  if (/^postgres(ql)?:\/\//.test(database)) {
    const { postgresStore } = await import('@bursar/store-postgres')
    return postgresStore({ url: database })
  }
  const { sqliteStore } = await import('@bursar/store-sqlite')
  return sqliteStore({ path: database })
}
