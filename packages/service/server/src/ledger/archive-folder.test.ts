import { createReadStream, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { payBody, serviceWorld } from '../../test/world.ts'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-archives-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('ended sessions are in a file of the folder before the ledger removes them', async () => {
  const archives = join(newFolder(), 'archives')
  const world = await serviceWorld({ archives })
  const { call, bursar, session, clock } = world
  await call('payer', 'POST', '/v1/session/pay', { token: session.token, body: payBody('a') })
  const archive = () => call('administrator', 'POST', '/v1/archive', { body: { endedFor: '1h' } })
  expect((await archive()).body).toEqual({ sessions: [], resumed: [], complete: true })
  await bursar.management.revokeSession(session.id)
  clock.advance(7_200_000)
  await bursar.reconcile()
  const { status, body } = await archive()
  expect([status, body.sessions]).toEqual([200, [session.id]])
  expect(readdirSync(archives)).toEqual([body.file])
  const path = join(archives, body.file)
  expect([statSync(archives).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o600])
  const lines = createInterface({ input: createReadStream(path) })
  expect(await bursar.auditing.verifyArchive(lines)).toMatchObject({ ok: true })
  const gone = await call('manager', 'GET', `/v1/sessions/${session.id}`)
  expect(gone.status).toBe(404)
  expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
})

test('the ledger removes nothing if the file cannot be written', async () => {
  const world = await serviceWorld({ archives: '/dev/null/archives' })
  const { call, bursar, session, clock } = world
  await bursar.management.revokeSession(session.id)
  clock.advance(7_200_000)
  const body = { endedFor: '1h' }
  const { status } = await call('administrator', 'POST', '/v1/archive', { body })
  expect(status).toBeGreaterThanOrEqual(500)
  expect((await call('manager', 'GET', `/v1/sessions/${session.id}`)).status).toBe(200)
})

test.each([
  [{ endedFor: '1m' }, 400, 'invalid_input'],
  [{ endedFor: '90d' }, 409, 'archive_not_configured'],
])('%j is refused without a folder', async (body, status, code) => {
  const { call } = await serviceWorld()
  const answer = await call('administrator', 'POST', '/v1/archive', { body })
  expect([answer.status, answer.body.code]).toEqual([status, code])
})
