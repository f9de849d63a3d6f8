import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bursar } from '@bursar/core'
import { sqliteStore } from '@bursar/store-sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { payBody, serviceWorld } from '../../test/world.ts'
import { ledgerVerifier } from './ledger-verifier.ts'

/** A guard whose use fails the test, because it would read the ledger on the server's thread. */
const notHere = {
  auditing: { verify: () => Promise.reject(new Error('verified on the thread of the server')) },
} as unknown as Pick<Bursar, 'auditing'>

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-verifier-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'ledger.db')
}

/** Starts a database server that accepts connections and never answers. */
async function silentDatabase(): Promise<{
  readonly url: string
  /** Resolves with the connection of the verifier that opens the ledger. */
  readonly opened: Promise<Socket>
}> {
  let arrived = (_socket: Socket): void => {}
  const opened = new Promise<Socket>((resolve) => {
    arrived = resolve
  })
  const server = createServer((socket) => arrived(socket.resume()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `postgres://127.0.0.1:${(server.address() as AddressInfo).port}/ledger`, opened }
}

test('a file is verified on another thread, with the result of the guard', async () => {
  const path = newFile()
  const world = await serviceWorld({
    store: (clock) => sqliteStore({ path, clock }),
    verify: ledgerVerifier(path, notHere),
  })
  const { call, bursar } = world
  const verify = (body: object) => call('auditor', 'POST', '/v1/audit/verify', { body })
  // The record of a key's first use reaches the disk together with the next record.
  await call('auditor', 'GET', '/v1/caller')
  await bursar.administration.issueKey({ roles: ['auditor'], expiresIn: '1d' })
  const expected = await bursar.auditing.verify()
  expect(expected.ok).toBe(true)
  const first = await verify({})
  expect([first.status, first.body]).toEqual([200, expected])
  const { head } = first.body
  expect((await verify({ head })).body).toEqual(expected)
  const later = await verify({ head: { ...head, seq: head.seq + 1 } })
  expect([later.status, later.body.ok]).toEqual([200, false])
  await bursar.close()
})

test('requests are answered during a verification, and a second verification is refused', async () => {
  const { url, opened } = await silentDatabase()
  const world = await serviceWorld({ verify: ledgerVerifier(url, notHere) })
  const verify = () => world.call('auditor', 'POST', '/v1/audit/verify', { body: {} })
  const going = verify()
  const connection = await opened
  const body = payBody('a', 'a')
  const paid = await world.call('payer', 'POST', '/v1/session/pay', {
    token: world.session.token,
    body,
  })
  expect(paid.body.status).toBe('paid')
  const second = await verify()
  expect([second.status, second.body.code]).toEqual([503, 'overloaded'])
  connection.destroy()
  const ended = await going
  expect([ended.status, ended.body.code]).toEqual([503, 'store_unavailable'])
})

test('a client that hangs up ends its verification', async () => {
  const { url, opened } = await silentDatabase()
  const stop = new AbortController()
  const going = ledgerVerifier(url, notHere)(undefined, stop.signal)
  const connection = await opened
  const ended = new Promise((resolve) => connection.once('close', resolve))
  stop.abort()
  await expect(going).rejects.toMatchObject({ name: 'AbortError' })
  await ended
})
