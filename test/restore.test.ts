import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Bursar } from '@bursar/core'
import { type FakeChain, fakeChain, manualClock } from '@bursar/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GuardWorld, guardWorld, HOST } from './guard-world.ts'
import { everyRow } from './service/ledger-guard.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bursar-restore-'))
})

afterAll(() => rmSync(folder, { recursive: true }))

/** The limits of the delegation, where each payment costs 0.01. */
const limits = { currency: 'USD', total: '0.10' }

/** Creates a second session, with its own token. */
async function newSession(bursar: Bursar, delegation: string) {
  return bursar.management.createSession({ delegation, expiresIn: '1h', limits })
}

function buy(bursar: Bursar, token: string, name: string) {
  const request = { url: `https://${HOST}/${name}`, purpose: 'restore' }
  return bursar.openSession(token).pay(request, { conversation: 'chat', id: name })
}

/**
 * Creates a ledger that is lost after six payments. Its backup has two; later a session and a key
 * that the backup holds were revoked.
 */
async function disaster(name: string) {
  const clock = manualClock()
  const chain = fakeChain({ clock })
  const place = join(folder, `${name}.db`)
  const backup = join(folder, `${name}.backup.db`)
  const world = await guardWorld({ place, clock, chain, delegationLimits: limits, limits })
  const { bursar, delegation, token } = world
  const revoked = await newSession(bursar, delegation)
  const key = await bursar.administration.issueKey({ roles: ['payer'], expiresIn: '1d' })
  for (const item of ['a', 'b']) await buy(bursar, token, item)
  await bursar.reconcile()
  const copying = new DatabaseSync(place)
  copying.exec(`VACUUM INTO '${backup}'`)
  copying.close()
  for (const item of ['c', 'd', 'e', 'f']) await buy(bursar, token, item)
  await bursar.management.revokeSession(revoked.id, { reason: 'stolen' })
  await bursar.administration.revokeKey(key.id, { reason: 'stolen' })
  const verified = await bursar.auditing.verify()
  if (!verified.ok) throw new Error('The ledger is not whole.')
  await bursar.close()
  return { ...world, place: backup, clock, chain, head: verified.head, revoked, key }
}

type Disaster = Awaited<ReturnType<typeof disaster>>

/** Opens a guard over the restored ledger with `openGuard`, without a listener. */
function restored({ place, clock, chain }: Disaster): Promise<GuardWorld> {
  return guardWorld({ place, clock, chain, delegationLimits: limits, limits })
}

function moved(chain: FakeChain): number {
  return chain.transfers().length
}

describe('a ledger that was restored from an older backup', () => {
  test('would pay again what was paid since, if it were simply started', async () => {
    const lost = await disaster('started')
    const { bursar } = await restored(lost)
    expect(moved(lost.chain)).toBe(6)
    // A payment before the backup is known; one after it is paid again.
    expect(await buy(bursar, lost.token, 'a')).toMatchObject({ status: 'paid' })
    expect(moved(lost.chain)).toBe(6)
    expect(await buy(bursar, lost.token, 'c')).toMatchObject({ status: 'paid' })
    expect(moved(lost.chain)).toBe(7)
    // A session and a key that were revoked after the backup are valid again.
    expect(await buy(bursar, lost.revoked.token, 'x')).toMatchObject({ status: 'paid' })
    expect(await bursar.authenticate(lost.key.key)).toMatchObject({ id: lost.key.id })
    await bursar.close()
  })

  test('is told apart by a head that was kept elsewhere, and by nothing else', async () => {
    const lost = await disaster('head')
    const { bursar } = await restored(lost)
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
    expect(await bursar.auditing.verify({ head: lost.head })).toMatchObject({ ok: false })
    await bursar.close()
  })

  test('spends nothing twice and nothing more, once the order of the recipe was kept', async () => {
    const lost = await disaster('recipe')
    const { chain, clock, delegation, token, revoked, key } = lost
    // 2: wait until no signed payment can move any more.
    clock.advance(3_600_000)
    // 3: revoke all sessions and keys before the service listens.
    const { bursar } = await restored(lost)
    const { management, administration } = bursar
    const alice = bursar.endUser('alice')
    const reason = 'restored from a backup'
    for (const one of await everyRow((page) => management.sessions({}, page))) {
      await management.revokeSession(one.id, { reason })
    }
    const granted = await everyRow((page) => alice.delegations(page))
    for (const one of granted) await alice.revokeDelegation(one.id, { reason })
    for (const one of await everyRow((page) => administration.keys(page))) {
      await administration.revokeKey(one.id, { reason })
    }
    for (const old of [token, revoked.token]) {
      for (const item of ['a', 'c', 'x']) {
        expect(await buy(bursar, old, item)).toMatchObject({ status: 'denied' })
      }
    }
    expect(await bursar.authenticate(key.key)).toBeUndefined()
    await expect(newSession(bursar, delegation)).rejects.toMatchObject({
      code: 'delegation_revoked',
    })
    expect(moved(chain)).toBe(6)
    // 4: the chain has six transfers, of which the ledger knows two. 0.10 less 0.06 is left.
    const left = { currency: 'USD', total: (0.1 - moved(chain) * 0.01).toFixed(2) }
    // 5: grant a new delegation of the rest, with a new session and a new conversation.
    const anew = await alice.grantDelegation({
      agent: 'researcher',
      instrument: 'alice-wallet',
      expiresIn: '30d',
      limits: left,
      merchants: [{ host: HOST }],
      consent: { how: 'test' },
    })
    await expect(newSession(bursar, anew.id)).rejects.toMatchObject({ code: 'invalid_input' })
    const input = { delegation: anew.id, expiresIn: '1h', limits: left }
    const opened = await management.createSession(input)
    for (let item = 0; item < 10; item += 1) await buy(bursar, opened.token, `new-${item}`)
    expect(moved(chain)).toBe(10)
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
    await bursar.close()
  })
})
