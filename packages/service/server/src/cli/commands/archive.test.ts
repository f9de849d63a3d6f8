import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createBursar } from '@bursar/core'
import { sqliteStore } from '@bursar/store-sqlite'
import { expect, test } from 'vitest'
import { type CommandWorld, commandWorld } from '../../../test/command-world.ts'
import config from '../../../test/fake.config.ts'
import { readSettings } from '../../config/config.ts'

const fakes = fileURLToPath(new URL('../../../test/fake.config.ts', import.meta.url))

/** Creates a folder with its own configuration, and a session that ended two hours ago. */
async function createOldWorld(
  archives: string,
): Promise<{ readonly world: CommandWorld; readonly session: string }> {
  const world = commandWorld({ bare: true, isTTY: true })
  const more = `{ ...config, database: 'ledger.db', archives: ${JSON.stringify(archives)} }`
  const text = `import config from ${JSON.stringify(fakes)}\nexport default ${more}\n`
  writeFileSync(join(world.folder, 'bursar.config.mjs'), text)
  const clock = (): number => Date.now() - 7_200_000
  const { guard } = readSettings(config, {})
  const store = sqliteStore({ path: join(world.folder, 'ledger.db'), clock })
  const bursar = createBursar({ ...guard, store })
  const limits = { currency: 'USD', total: '1.00' }
  const { id: delegation } = await bursar.endUser('alice').grantDelegation({
    agent: 'researcher',
    instrument: 'alice-wallet',
    expiresIn: '30d',
    limits,
    consent: { how: 'a form' },
  })
  const { id } = await bursar.management.createSession({ delegation, expiresIn: '1h', limits })
  await bursar.management.revokeSession(id)
  await bursar.close()
  return { world, session: id }
}

test('what has ended is in a file of the folder, and no longer in the ledger', async () => {
  const { world, session } = await createOldWorld('archives')
  const { run, json, folder } = world
  const early = await run('archive', '--ended-for', '3h')
  expect([early.code, early.out]).toEqual([0, 'No session was archived.\n'])
  const { code, out, error } = await run('archive', '--ended-for', '1h')
  const [name = ''] = readdirSync(join(folder, 'archives'))
  const path = join(folder, 'archives', name)
  expect([code, out]).toEqual([0, `1 session archived in ${path}.\n`])
  expect(readFileSync(path, 'utf8')).toContain(session)
  expect(error).toBe('\r\u001b[Karchiving, 0 s\r\u001b[K')
  expect((await run('sessions', 'show', session)).code).toBe(3)
  const verified = await run('audit', 'verify-archive', join('archives', name))
  expect([verified.code, verified.out]).toEqual([
    0,
    '\u001b[32mThe archive is valid. Sessions: 1.\u001b[39m\n',
  ])
  writeFileSync(path, readFileSync(path, 'utf8').replace(session, session.replace(/.$/, '!')))
  const changed = await json('audit', 'verify-archive', path)
  expect([changed.code, changed.json.ok]).toEqual([4, false])
  const none = await run('audit', 'verify-archive', 'none')
  expect([none.code, none.error]).toEqual([3, expect.stringContaining('ENOENT')])
  expect((await run('audit', 'verify')).code).toBe(0)
  const again = await json('archive', '--ended-for', '1h')
  expect(again.json).toEqual({ sessions: [], resumed: [], complete: true })
})

test('nothing is archived where there is no folder, or none that can be written', async () => {
  const without = await commandWorld().run('archive', '--ended-for', '90d')
  expect([without.code, without.error]).toEqual([3, expect.stringContaining('names no folder')])
  const { world, session } = await createOldWorld('taken')
  writeFileSync(join(world.folder, 'taken'), 'a file')
  const failed = await world.run('archive', '--ended-for', '1h')
  expect(failed.code).toBe(3)
  expect((await world.run('sessions', 'show', session)).code).toBe(0)
})

test.each(['1m', 'long'])('--ended-for %s is refused', async (endedFor) => {
  const { world } = await createOldWorld('archives')
  const { code, error } = await world.run('archive', '--ended-for', endedFor)
  expect([code, error]).toEqual([2, expect.stringContaining('--ended-for')])
})
