import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyArchive } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import { archiveSessions, verifyArchived } from '../examples/ai-sdk-agent/src/archive-sessions.ts'
import { boundStore } from '../packages/core/src/ports/bound-store.ts'
import {
  another,
  archive,
  archiveWorld,
  endLongAgo,
  limitedWorld,
  merchantUsages,
  paySome,
} from './archive-world.ts'
import { HOST, shop } from './guard-world.ts'

const folder = mkdtempSync(join(tmpdir(), 'bursar-archive-'))

process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

describe('an archive', () => {
  test('holds what has ended, and it is gone: what stays is verified, and counts the same', async () => {
    const it = await archiveWorld()
    const { bursar, delegation, session } = it
    await paySome(it)
    await endLongAgo(it)
    const before = (await bursar.endUser('alice').delegations()).rows
    const lines: string[] = []
    expect(await archive(bursar, lines)).toEqual({
      sessions: [session.id],
      resumed: [],
      complete: true,
    })
    expect((await bursar.endUser('alice').delegations()).rows).toEqual(before)
    expect((await bursar.auditing.payments()).rows).toEqual([])
    expect((await bursar.management.sessions()).rows).toEqual([])
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
    expect(await bursar.auditing.verifyArchive(lines)).toMatchObject({
      ok: true,
      archives: [{ session: session.id, payments: 3, settledMicro: '30000' }],
    })
    const key = { conversation: 'thread', id: '0' }
    const old = { url: shop(`${session.id}/0`), purpose: 'x' }
    expect(await session.pay(old, key)).toMatchObject({ code: 'session_unknown' })
    // The limits still count the archived payments, in the totals and in the windows.
    const next = bursar.openSession(await another(bursar, delegation))
    expect(await next.pay({ url: shop('more'), purpose: 'x' })).toMatchObject({ status: 'paid' })
    await bursar.reconcile()
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
    const [now] = (await bursar.endUser('alice').delegations()).rows
    expect([now?.settled, now?.payments]).toEqual(['0.04', 4])
  })

  test('takes sub-sessions with it, and leaves what is not proved, not ended, or ended just now', async () => {
    const it = await archiveWorld()
    const { bursar, delegation, session, clock, chain } = it
    const child = await session.openChild({
      limits: { currency: 'USD', total: '0.50' },
      expiresIn: '10m',
    })
    const inChild = { url: shop('child'), purpose: 'x' }
    expect(await child.session.pay(inChild)).toMatchObject({ status: 'paid' })
    await paySome(it, 1)
    const unproven = bursar.openSession(await another(bursar, delegation))
    chain.setReachable(true)
    await unproven.pay({ url: shop('held'), purpose: 'x' })
    await endLongAgo(it)
    const fresh = bursar.openSession(await another(bursar, delegation))
    const lines: string[] = []
    chain.setReachable(false)
    const { sessions } = await archive(bursar, lines)
    expect(sessions).toEqual([session.id])
    const rows = lines.map((line) => JSON.parse(line) as { kind?: string; row?: { id: string } })
    const kept = rows.flatMap(({ kind, row }) => (kind === 'session' && row ? [row.id] : []))
    expect(kept).toEqual([session.id, child.session.id])
    const left = (await bursar.management.sessions()).rows.map(({ id }) => id)
    expect(left).toEqual([unproven.id, fresh.id])
    expect(await child.session.pay(inChild)).toMatchObject({ code: 'session_unknown' })
    chain.setReachable(true)
    await bursar.reconcile()
    clock.advance(1)
    expect((await archive(bursar)).sessions).toEqual([unproven.id])
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('is counted in what the end user may spend in all', async () => {
    const it = await archiveWorld()
    const { bursar, delegation } = it
    const alice = bursar.endUser('alice')
    const windows = [{ per: 'day', amount: '10.00' }] as const
    await alice.setLimits({ currency: 'USD', total: '20.00', windows })
    await paySome(it)
    await endLongAgo(it)
    expect((await archive(bursar)).sessions).toHaveLength(1)
    const next = bursar.openSession(await another(bursar, delegation))
    expect(await next.pay({ url: shop('more'), purpose: 'x' })).toMatchObject({ status: 'paid' })
    await alice.setLimits({ currency: 'USD', total: '10.00', windows })
    await bursar.reconcile()
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('is counted in what each merchant may be paid', async () => {
    const it = await limitedWorld()
    const { bursar, delegation } = it
    const before = await merchantUsages(it)
    expect(before.map(({ usage }) => [usage.settledMicro, usage.payments])).toEqual([
      [20_000n, 2],
      [20_000n, 2],
    ])
    expect((await archive(bursar)).sessions).toHaveLength(2)
    expect(await merchantUsages(it)).toEqual(before)
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
    const next = bursar.openSession(await another(bursar, delegation))
    expect(await next.pay({ url: shop('c'), purpose: 'x' })).toMatchObject({ status: 'paid' })
    const over = { code: 'merchant_limit_exceeded' }
    expect(await next.pay({ url: shop('d'), purpose: 'x' })).toMatchObject(over)
    await bursar.reconcile()
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
    const rows = (await bursar.auditing.read()).rows.map(({ event }) => event)
    const told = rows.filter(({ type }) => type === 'merchant-archived')
    expect(told).toMatchObject([
      { session: it.session.id, host: HOST, payments: 1, settled: '0.01' },
      { host: HOST, payments: 1, settled: '0.01' },
    ])
  })

  test('holds a session once, however many archive it at the same time', async () => {
    const it = await archiveWorld()
    await paySome(it)
    await endLongAgo(it)
    const twice = await Promise.all([archive(it.bursar), archive(it.bursar)])
    expect(twice.flatMap(({ sessions }) => sessions)).toEqual([it.session.id])
    expect(await it.bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('counts a settlement that comes to light when its payment has gone', async () => {
    const limits = { currency: 'USD', total: '0.01' }
    const perMerchant = { payments: 3, windows: [{ per: 'day', amount: '50.00' }] } as const
    const it = await archiveWorld({
      resource: () => ({ conduct: 'drops' }),
      delegationLimits: { ...limits, perMerchant },
      limits,
    })
    const { bursar, session, clock, chain } = it
    await bursar.endUser('alice').setLimits(limits)
    await session.pay({ url: shop('a'), purpose: 'x' })
    clock.advance(61_000)
    expect(await bursar.reconcile()).toMatchObject({ released: 1 })
    const [payment] = (await bursar.auditing.payments()).rows
    await bursar.management.revokeSession(session.id)
    // The guard that released the payment still watches it, because its clock has not moved.
    clock.advance(25 * 3_600_000)
    const later = it.reopen()
    await archive(later)
    // The released hold counts again: the late settlement exceeds the totals.
    const { delegation: granted } = it
    const given = { delegation: granted, expiresIn: '3h', limits }
    const next = later.openSession((await later.management.createSession(given)).token)
    await next.pay({ url: shop('b'), purpose: 'x' })
    clock.advance(-25 * 3_600_000)
    chain.settleLate(chain.received[0]?.authorization.nonce ?? '')
    expect(await bursar.reconcile()).toMatchObject({ settled: 1, unreachable: 0 })
    expect(await bursar.reconcile()).toMatchObject({ settled: 0 })
    const { rows } = await bursar.auditing.read()
    const told = rows.filter(({ event }) => event.type === 'archived-payment-settled')
    expect(told).toMatchObject([
      { event: { payment: payment?.id, session: session.id, amount: '0.01', endUser: 'alice' } },
    ])
    const { delegation, endUser } = await it.store.read({ delegation: granted })
    const counted = { settledMicro: 10_000n, heldMicro: 10_000n, payments: 2 }
    expect([delegation?.usage, endUser?.usage]).toMatchObject([counted, counted])
    const [atMerchant] = await merchantUsages(it)
    expect(atMerchant?.usage).toMatchObject(counted)
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('that was not kept removes nothing', async () => {
    const it = await archiveWorld()
    const { bursar } = it
    await paySome(it)
    await endLongAgo(it)
    const failing = bursar.administration.archive({
      endedFor: '1d',
      keep: () => Promise.reject(new Error('the disk is full')),
    })
    await expect(failing).rejects.toThrow('the disk is full')
    const idle = bursar.administration.archive({ endedFor: '1d', keep: async () => {} })
    await expect(idle).rejects.toMatchObject({ code: 'archive_not_kept' })
    expect((await bursar.auditing.payments()).rows).toHaveLength(3)
    const early = bursar.administration.archive({ endedFor: '59m', keep: async () => {} })
    await expect(early).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test('goes on from wherever it was interrupted, and verifies at every point', async () => {
    for (let allowed = 1; ; allowed += 1) {
      let left = Number.POSITIVE_INFINITY
      const it = await limitedWorld({
        store: (store) => ({
          ...boundStore(store),
          commit: (scope, change, when) => {
            if (left === 0) return Promise.reject(new Error('killed'))
            left -= 1
            return store.commit(scope, change, when)
          },
        }),
      })
      const { bursar } = it
      left = allowed
      const lines: string[] = []
      const result = await archive(bursar, lines).catch((error: Error) => error.message)
      left = Number.POSITIVE_INFINITY
      expect(await bursar.auditing.verify(), `${allowed}`).toMatchObject({ ok: true })
      const verified = await bursar.auditing.verifyArchive(lines)
      expect(verified).toMatchObject({ ok: true })
      const begun = verified.ok ? verified.archives.map(({ session }) => session) : []
      if (result !== 'killed') {
        expect(allowed).toBeGreaterThan(9)
        return
      }
      const next = await archive(bursar)
      expect(begun).toEqual(expect.arrayContaining([...next.resumed]))
      expect(new Set([...begun, ...next.sessions]).size).toBe(2)
      expect((await bursar.management.sessions()).rows).toEqual([])
      expect(await bursar.auditing.verify(), `${allowed}`).toMatchObject({ ok: true })
      await bursar.close()
    }
  })
})

test('a settlement that comes between an archive and the removal of its rows counts', async () => {
  let left = Number.POSITIVE_INFINITY
  const it = await archiveWorld({
    resource: () => ({ conduct: 'drops' }),
    store: (store) => ({
      ...boundStore(store),
      commit: (scope, change, when) => {
        left -= 1
        return left < 0 ? Promise.reject(new Error('killed')) : store.commit(scope, change, when)
      },
    }),
  })
  const { bursar, clock, chain } = it
  await it.session.pay({ url: shop('a'), purpose: 'x' })
  clock.advance(61_000)
  await bursar.reconcile()
  await endLongAgo(it)
  left = 1
  await expect(archive(bursar)).rejects.toThrow('killed')
  left = Number.POSITIVE_INFINITY
  // The guard that released the payment still watches it, because its clock has not moved.
  clock.advance(-25 * 3_600_000)
  chain.settleLate(chain.received[0]?.authorization.nonce ?? '')
  expect(await bursar.reconcile()).toMatchObject({ settled: 1 })
  expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
  clock.advance(25 * 3_600_000)
  expect(await archive(bursar)).toMatchObject({ resumed: [it.session.id] })
  expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
  expect((await bursar.endUser('alice').delegations()).rows).toMatchObject([{ settled: '0.01' }])
})

test('the recipe archives into a file that is there in full, and verifies it', async () => {
  const it = await archiveWorld()
  await paySome(it)
  await it.bursar.management.revokeSession(it.session.id)
  it.clock.advance(91 * 86_400_000)
  const path = join(folder, 'archive.jsonl')
  expect(await archiveSessions(it.bursar.administration, path)).toEqual([it.session.id])
  await verifyArchived(it.bursar.auditing, path)
  writeFileSync(path, readFileSync(path, 'utf8').replace('"kind":"payment"', '"kind":"approval"'))
  await expect(verifyArchived(it.bursar.auditing, path)).rejects.toThrow('does not say')
})
test('the file is verified without the ledger, line by line', async () => {
  const it = await archiveWorld()
  await paySome(it)
  await endLongAgo(it)
  const lines: string[] = []
  await archive(it.bursar, lines)
  const verified = await verifyArchive(lines)
  expect(verified).toMatchObject({ ok: true })
  if (!verified.ok) return
  expect(await verifyArchive(lines, verified.head)).toEqual(verified)
  const other = { ...verified.head, hash: '0'.repeat(64) }
  expect(await verifyArchive(lines, other)).toMatchObject({ ok: false })
  for (let index = 0; index < lines.length; index += 1) {
    const without = lines.toSpliced(index, 1)
    const isRow = /^\{"kind":"(session|payment|approval)"/.test(`${lines[index]}`)
    expect((await verifyArchive(without)).ok, lines[index]).toBe(isRow)
    // A file alone may lack rows; the audit trail has the hash of the archived file.
    expect((await it.bursar.auditing.verifyArchive(without)).ok).toBe(false)
    const changed = `${lines[index]}`.replace(/10000|0\.01/, '90000')
    if (changed === lines[index]) continue
    const tampered = lines.toSpliced(index, 1, changed)
    expect((await it.bursar.auditing.verifyArchive(tampered)).ok, changed).toBe(false)
  }
})
