import { userInfo } from 'node:os'
import { type Bursar, createBursar, type RecordedCaller, type Store } from '@bursar/core'
import type { Settings } from '../config/config.ts'

/**
 * Opens the guard of a service without its listener, for a tool that works on the ledger itself.
 * Close the guard when you are done. Throws the codes of the store if the ledger cannot be reached.
 *
 * @example
 * ```ts
 * import { type BursarConfig, openGuard, readSettings } from 'bursar'
 *
 * declare const config: BursarConfig
 * const bursar = await openGuard(readSettings(config, process.env))
 * console.log(await bursar.management.exposure({}))
 * await bursar.close()
 * ```
 */
export async function openGuard({ database, guard }: Settings): Promise<Bursar> {
  return createBursar({ ...guard, store: await openStore(database) })
}

/** Opens the guard for the person who runs a command: its records name their user as the operator. */
export async function openOperatorGuard(settings: Settings): Promise<Bursar> {
  const bursar = await openGuard(settings)
  const operator: RecordedCaller = { id: `operator:${readGuardUserName()}`, roles: ['operator'] }
  return { ...bursar, ...bursar.as(operator) }
}

/** Returns the name of the process's user, or the user's number if the system has no name for it. */
function readGuardUserName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}

/** Opens the store of a database. Loads the package of that store only. */
export async function openStore(database: string): Promise<Store> {
  if (/^postgres(ql)?:\/\//.test(database)) {
    const { postgresStore } = await import('@bursar/store-postgres')
    return postgresStore({ url: database })
  }
  const { sqliteStore } = await import('@bursar/store-sqlite')
  return sqliteStore({ path: database })
}
