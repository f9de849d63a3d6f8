import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { archivedBody } from '@bursar/core'
import { afterEach, describe, expect, test } from 'vitest'
import {
  another,
  archive,
  archiveWorld,
  endLongAgo,
  limitedWorld,
  paySome,
} from './archive-world.ts'
import { type GuardWorld, shop } from './guard-world.ts'

const folder = mkdtempSync(join(tmpdir(), 'bursar-archived-'))
const worlds: GuardWorld[] = []
let files = 0

afterEach(async () => {
  for (const { bursar } of worlds.splice(0)) await bursar.close()
})

process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

/** Opens a world whose SQLite file a test can read. */
async function world(make = archiveWorld): Promise<GuardWorld & { path: string }> {
  files += 1
  const path = join(folder, `${files}.db`)
  const opened = await make({ place: path })
  worlds.push(opened)
  return { ...opened, path }
}

test('frees the file', async () => {
  const it = await world()
  await paySome(it, 40)
  await endLongAgo(it)
  const rows = (): number => {
    const database = new DatabaseSync(it.path)
    const tables = ['payments', 'payment_terms', 'payment_outcomes', 'contents']
    const counts = [...tables, 'keys', 'sessions', 'session_terms'].map((table) =>
      Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n),
    )
    database.close()
    return counts.reduce((sum, count) => sum + count, 0)
  }
  expect(rows()).toBeGreaterThan(150)
  await archive(it.bursar)
  expect(rows()).toBe(0)
  await it.bursar.close()
  worlds.splice(0)
  const size = statSync(it.path).size
  const database = new DatabaseSync(it.path)
  database.exec('VACUUM')
  database.close()
  expect(statSync(it.path).size).toBeLessThan(size * 0.7)
})

describe('tampering after an archive is found', () => {
  const tampers: readonly [string, string, RegExp][] = [
    ['a removed record', 'DELETE FROM audit WHERE seq = 4', /record 4 is missing/],
    [
      'another hash of a body',
      `UPDATE audit SET body = replace(body, '"sha256":"', '"sha256":"0') WHERE seq = 4`,
      /./,
    ],
    [
      'a record of a live session that is made to look archived',
      'live',
      /were archived|are gone, and in no archive|which no record made/,
    ],
    ['another balance', 'UPDATE delegations SET settled = settled - 10000', /says settled/],
    [
      'a session that is archived, and lives again',
      `INSERT INTO sessions SELECT 99, (SELECT id FROM archived_sessions LIMIT 1), delegation,
       parent, total, settled, held, payments, windows, overrun, created_at, expires_at, revoked_at,
       closed_at, locked_at FROM sessions LIMIT 1;
       INSERT INTO session_terms SELECT 99, body FROM session_terms LIMIT 1`,
      /no record says why/,
    ],
  ]

  test.each(tampers)('%s', async (_what, sql, reason) => {
    const it = await world()
    const { bursar, delegation, session } = it
    await paySome(it)
    await endLongAgo(it)
    const live = bursar.openSession(await another(bursar, delegation))
    await live.pay({ url: shop('more'), purpose: 'x' })
    await archive(bursar)
    const head = await bursar.auditing.verify()
    expect(head).toMatchObject({ ok: true })
    const database = new DatabaseSync(it.path)
    for (const one of database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
      .all()) {
      database.exec(`DROP TRIGGER ${String(one.name)}`)
    }
    if (sql === 'live') {
      const row = database
        .prepare(
          "SELECT * FROM audit WHERE body LIKE '%payment-reserved%' ORDER BY seq DESC LIMIT 1",
        )
        .get()
      const { createHash } = await import('node:crypto')
      const sha256 = createHash('sha256').update(String(row?.body)).digest('hex')
      const body = archivedBody({ session: session.id, archive: session.id, sha256 })
      database.prepare('UPDATE audit SET body = ? WHERE seq = ?').run(body, Number(row?.seq))
    } else database.exec(sql)
    database.close()
    const found = await bursar.auditing.verify()
    expect(found).toMatchObject({ ok: false, reason: expect.stringMatching(reason) })
  })
})

test('what was spent at a merchant, and says otherwise after an archive, is found', async () => {
  const it = await world(limitedWorld)
  await archive(it.bursar)
  expect(await it.bursar.auditing.verify()).toMatchObject({ ok: true })
  const database = new DatabaseSync(it.path)
  database.exec("UPDATE merchant_usages SET settled = settled - 10000 WHERE account LIKE 'user%'")
  database.close()
  const reason = expect.stringMatching(/user:alice .* says settled 0.01.*records say settled 0.02/)
  expect(await it.bursar.auditing.verify()).toMatchObject({ ok: false, reason })
})
