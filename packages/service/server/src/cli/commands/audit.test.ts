import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { commandWorld } from '../../../test/command-world.ts'

test('verify says that the trail is whole, and its head', async () => {
  const { run, json } = commandWorld()
  await run('keys', 'create', '--role', 'auditor', '--expires-in', '1d')
  const { head, records } = (await json('audit', 'verify')).json
  const { code, out } = await run('audit', 'verify', '--head', `${head.seq}:${head.hash}`)
  expect(code).toBe(0)
  expect(out).toBe(`The audit trail is valid: ${records} records.\nhead ${head.seq}:${head.hash}\n`)
})

test('verify ends with its own code where the ledger is not what was recorded', async () => {
  const { run, json, environment } = commandWorld()
  await run('keys', 'create', '--role', 'auditor', '--expires-in', '1d')
  const { head } = (await json('audit', 'verify')).json
  const later = await run('audit', 'verify', '--head', `${head.seq + 1}:${head.hash}`)
  expect([later.code, later.out]).toEqual([4, expect.stringContaining('ends before its head')])
  const database = new DatabaseSync(environment.BURSAR_DATABASE ?? '')
  database.exec('drop trigger audit_is_never_removed; delete from audit where seq = 1')
  database.close()
  const { code, json: report } = await json('audit', 'verify')
  expect([code, report.ok]).toEqual([4, false])
})

test('verify shows its progress on a line that is erased', async () => {
  const { run } = commandWorld({ isTTY: true })
  const gone = '\r\u001b[K'
  expect((await run('audit', 'verify')).error).toBe(`${gone}verifying, 0 s${gone}`)
  const { error } = await run('audit', 'export', '--out', 'trail.jsonl')
  expect(error).toBe(`${gone}exporting, 0 records${gone}`)
  expect((await run('audit', 'export')).error).toBe('')
  expect((await commandWorld().run('audit', 'verify')).error).toBe('')
})

test.each(['1', 'x:y', `0:${'a'.repeat(64)}`])('%j is no head', async (head) => {
  const { code, error } = await commandWorld().run('audit', 'verify', '--head', head)
  expect([code, error]).toEqual([2, expect.stringContaining('--head')])
})

test('export writes the trail, and overwrites nothing', async () => {
  const { run, json, folder } = commandWorld({ isTTY: true })
  await run('keys', 'create', '--role', 'auditor', '--expires-in', '1d')
  const piped = await run('audit', 'export')
  const { file, records } = (await json('audit', 'export', '--out', 'trail.jsonl')).json
  expect(file).toBe(join(folder, 'trail.jsonl'))
  expect(readFileSync(file, 'utf8')).toBe(piped.out)
  expect(piped.out.trimEnd().split('\n')).toHaveLength(records)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  writeFileSync(file, 'kept')
  const again = await run('audit', 'export', '--out', 'trail.jsonl')
  expect([again.code, readFileSync(file, 'utf8')]).toEqual([3, 'kept'])
  expect(again.error).toContain('EEXIST')
})
