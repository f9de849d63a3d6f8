// One process that rotates, and is killed at one crossing of a write; see vault-killed.test.ts.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { DatabaseSync, StatementSync } from 'node:sqlite'
// Imports the vault alone, because the whole package takes longer to load than a rotation.
import { localKey } from '../../packages/service/server/src/vault/local-key.ts'
import { changeableVault } from '../../packages/service/server/test/changeable-vault.ts'
import { crossings } from '../crash/crossing.ts'
import { watchPostgres } from '../crash/durable-write.ts'

const [place = '', oldKey = '', newKey = '', what = '', killAt = ''] = process.argv.slice(2)
const crossed = crossings(Number(killAt))

/**
 * Crosses before each call of some writing methods. The moment after a call is the one before the
 * next.
 */
function watchCalls<Target extends object>(
  target: Target,
  names: readonly (keyof Target & string)[],
): void {
  for (const name of names) {
    const original = target[name]
    if (typeof original !== 'function') throw new Error(`${name} is no method`)
    Object.assign(target, {
      [name](this: unknown, ...values: unknown[]) {
        crossed.cross()
        return Reflect.apply(original, this, values)
      },
    })
  }
}

/** Watches writes of the vault's document, and of the key file that the first wrapping creates. */
async function watchFiles(): Promise<void> {
  const handle = await fs.promises.open(process.execPath)
  await handle.close()
  watchCalls(Object.getPrototypeOf(handle), ['writeFile', 'sync'])
  watchCalls(fs.promises, ['open', 'link', 'rm'])
  watchCalls(DatabaseSync.prototype, ['exec'])
  watchCalls(StatementSync.prototype, ['run'])
  syncBuiltinESMExports()
}

const isPostgres = place.startsWith('postgres:')
if (!isPostgres) await watchFiles()
const database = isPostgres ? await watchPostgres(place, crossed.cross) : place
const keys = [localKey({ path: newKey }), localKey({ path: oldKey })]
const vault = changeableVault({ database, keys })
if (what === 'wrapping key') await vault.rewrap()
else await vault.rotate('cdp', Buffer.from('canary-two'), { overlap: '1h' })
process.stdout.write(`${crossed.count()}`)
process.exit(0)
