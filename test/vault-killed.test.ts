import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { localKey } from 'bursar'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ChangeableVault,
  changeableVault,
} from '../packages/service/server/test/changeable-vault.ts'
import { openVersions } from '../packages/service/server/test/open-versions.ts'
import { type StorePlaces, storeKinds } from './places/store-place.ts'
import { storePlaces } from './places/store-places.ts'
import { printedUnlessKilled } from './printed-unless-killed.ts'

/** The most writes of a rotation. The uninterrupted run returns the real number. */
const MAX_CROSSINGS = 100

/** The time limit: a process is started for each kill. */
const BUDGET_MS = 120_000

const rotator = fileURLToPath(new URL('./vault/rotator.ts', import.meta.url))

interface Keys {
  readonly old: string
  readonly newer: string
}

function vaultAt(database: string, ...paths: readonly string[]): ChangeableVault {
  return changeableVault({ database, keys: paths.map((path) => localKey({ path })) })
}

/** The number of writes that the rotation crossed; undefined if it was killed at one. */
async function rotateAndDie(...values: readonly string[]): Promise<number | undefined> {
  const printed = await printedUnlessKilled(rotator, values)
  return printed === undefined ? undefined : Number(printed)
}

async function readable(vault: ChangeableVault): Promise<readonly string[]> {
  return [...(await openVersions(vault, 'cdp')), ...(await openVersions(vault, 'privy'))]
}

/** Returns the readable secrets of a vault, and the ids of the keys that have wrapped them. */
async function stateOf(vault: ChangeableVault): Promise<string> {
  const summaries = await vault.list()
  const wrapping = new Set(summaries.flatMap(({ versions }) => versions.map(({ key }) => key)))
  return [...(await readable(vault)), ...wrapping].join()
}

type What = 'credential' | 'wrapping key'

/** Repeats the rotation over the files that the killed one left. */
async function again(what: What, database: string, { newer, old }: Keys): Promise<void> {
  const vault = vaultAt(database, newer, old)
  if (what === 'credential') await vault.rotate('cdp', Buffer.from('canary-three'))
  else await vault.rewrap()
  // The old key is not needed once every data key is wrapped anew.
  const left = what === 'credential' ? vault : vaultAt(database, newer)
  const cdp =
    what === 'credential' ? expect.stringMatching(/^[23]: canary-three$/) : '1: canary-one'
  expect(await readable(left)).toEqual([cdp, '1: canary-other'])
}

describe.each(storeKinds)('a rotation of a vault in %s that is killed at any write', (kind) => {
  let places: StorePlaces
  let folder: string
  let base: string

  beforeAll(async () => {
    places = await storePlaces(kind)
    folder = mkdtempSync(join(tmpdir(), 'bursar-vault-killed-'))
    base = await places.empty()
    const vault = vaultAt(base, join(folder, 'old.key'))
    await vault.put('cdp', Buffer.from('canary-one'))
    await vault.put('privy', Buffer.from('canary-other'))
  })

  afterAll(async () => {
    await places.stop()
    rmSync(folder, { recursive: true })
  })

  test.each<What>(['credential', 'wrapping key'])(
    'of a %s leaves every secret readable',
    async (what) => {
      const old = join(folder, 'old.key')
      const before = await stateOf(vaultAt(base, old))
      const met: string[] = []
      let crossed: number | undefined
      for (let killAt = 0; crossed === undefined && killAt < MAX_CROSSINGS; killAt += 1) {
        const database = await places.copyOf(base)
        const newer = join(folder, `${what} ${killAt}.key`)
        crossed = await rotateAndDie(database, old, newer, what, `${killAt}`)
        await places.left(database)
        const state = await stateOf(vaultAt(database, newer, old))
        met.push(state === before ? 'before' : state.replace(/local:\w+/g, 'key'))
        await again(what, database, { old, newer })
        await places.remove(database)
      }
      expect(crossed).toBe(met.length - 1)
      const unchanged = '1: canary-one,1: canary-other,key'
      const rotated = `2: canary-two,${unchanged},key`
      // The last run is not killed.
      expect([...new Set(met)]).toEqual(['before', what === 'credential' ? rotated : unchanged])
    },
    BUDGET_MS,
  )
})
