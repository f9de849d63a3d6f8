import { setImmediate } from 'node:timers/promises'
import { BursarError, type KeyInput } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import { boundStore } from '../packages/core/src/ports/bound-store.ts'
import { type GuardWorld, guardWorld, shop, spentOnChain } from './guard-world.ts'

const limits = { currency: 'USD', total: '1.00' }
const payer: KeyInput = { roles: ['payer'], expiresIn: '30d', label: 'the agent' }
const request = { url: shop('a'), purpose: '' }
const HOUR_MS = 3_600_000

async function keyWorld(options: Parameters<typeof guardWorld>[0] = {}) {
  const world = await guardWorld(options)
  const { administration } = world.bursar
  const issued = await administration.issueKey(payer)
  return { ...world, administration, issued }
}

/** A world that notes each read of a key, and can hold these reads back. */
async function countedWorld() {
  const reads: string[] = []
  let held: Promise<void> = Promise.resolve()
  const hold = (): (() => void) => {
    const gate = Promise.withResolvers<void>()
    held = gate.promise
    return gate.resolve
  }
  const world = await keyWorld({
    store: (store) => ({
      ...boundStore(store),
      read: async (scope) => {
        if (scope.credential === undefined) return store.read(scope)
        reads.push(scope.credential)
        await held
        return store.read(scope)
      },
    }),
  })
  return { ...world, reads, hold }
}

async function boundSession({ bursar, delegation }: GuardWorld, key: string) {
  const input = { delegation, expiresIn: '10m', limits, payer: key }
  const { token } = await bursar.management.createSession(input)
  return bursar.openSession(token, { payer: key })
}

describe('a key of the service', () => {
  test('is known by its text alone, which is stored nowhere', async () => {
    const { bursar, issued, store } = await keyWorld()
    expect(issued.key).toMatch(/^bursar_key_[0-9a-f]{32}_[\w-]{43}$/)
    expect(await bursar.authenticate(issued.key)).toEqual({ id: issued.id, roles: ['payer'] })
    const { credential } = await store.read({ credential: issued.id })
    const trail = await store.audit({})
    expect(JSON.stringify([credential, trail])).not.toContain(issued.key.slice(-43))
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test.each(['', 'bursar_key_', 'x'.repeat(100), `bursar_key_${'0'.repeat(32)}_${'A'.repeat(43)}`])(
    '%j is none',
    async (text) => {
      const { bursar } = await keyWorld()
      expect(await bursar.authenticate(text)).toBe(undefined)
    },
  )

  test('of one id does not open another', async () => {
    const { bursar, administration, issued } = await keyWorld()
    const other = await administration.issueKey(payer)
    const mixed = `bursar_${issued.id}_${other.key.slice(-43)}`
    expect(await bursar.authenticate(mixed)).toBe(undefined)
  })

  test('ends to the millisecond', async () => {
    const { bursar, administration, clock } = await keyWorld()
    const { key, id } = await administration.issueKey({ ...payer, expiresIn: '1h' })
    clock.advance(HOUR_MS - 1)
    expect(await bursar.authenticate(key)).toMatchObject({ id })
    clock.advance(1)
    expect(await bursar.authenticate(key)).toBe(undefined)
    const { rows } = await administration.keys()
    expect(rows.map(({ state }) => state)).toEqual(['live', 'expired'])
  })

  test('is rotated with an overlap, and without one', async () => {
    const { bursar, administration, clock, issued } = await keyWorld()
    const opens = async (...keys: string[]) =>
      Promise.all(keys.map(async (key) => (await bursar.authenticate(key)) !== undefined))
    const second = await administration.rotateKey(issued.id, { overlap: '1h' })
    expect(await opens(issued.key, second.key)).toEqual([true, true])
    clock.advance(HOUR_MS)
    expect(await opens(issued.key, second.key)).toEqual([false, true])
    const third = await administration.rotateKey(issued.id)
    expect(await opens(issued.key, second.key, third.key)).toEqual([false, false, true])
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('is revoked at once, for good, and once', async () => {
    const { bursar, administration, issued } = await keyWorld()
    await administration.revokeKey(issued.id, { reason: 'lost' })
    expect(await bursar.authenticate(issued.key)).toBe(undefined)
    expect(await administration.revokeKey(issued.id)).toMatchObject({ state: 'revoked' })
    await expect(administration.rotateKey(issued.id)).rejects.toMatchObject({ code: 'key_revoked' })
    const { rows } = await bursar.auditing.read()
    expect(rows.filter(({ event }) => event.type === 'key-revoked')).toHaveLength(1)
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('shows when it was used, to within an hour', async () => {
    const { bursar, administration, clock, issued } = await keyWorld()
    const start = clock()
    for (let minute = 0; minute < 70; minute += 1) {
      await bursar.authenticate(issued.key)
      clock.advance(60_000)
    }
    const { rows } = await bursar.auditing.read()
    const used = rows.filter(({ event }) => event.type === 'key-used')
    const [first = 0, second = 0] = used.map(({ at }) => Date.parse(at) - start)
    // A `soon` commit may be written within the next minute of this clock.
    expect([used.length, first <= 60_000, second - first >= HOUR_MS]).toEqual([2, true, true])
    expect((await administration.keys()).rows[0]).toMatchObject({ usedAt: used[1]?.at })
  })

  test.each([
    [{ ...payer, roles: ['payer', 'manager'] }, 'roles: must not combine manager'],
    [{ ...payer, roles: ['administrator', 'payer'] }, 'roles: must not combine administrator'],
    [{ ...payer, roles: ['payer', 'end_user'], endUser: 'alice' }, 'must not combine end_user'],
    [{ ...payer, roles: ['end_user'] }, 'endUser: goes with the role end_user'],
    [{ ...payer, endUser: 'alice' }, 'endUser: goes with the role end_user'],
    [{ ...payer, roles: ['root'] }, 'roles.0'],
    [{ ...payer, roles: [] }, 'roles'],
    [{ roles: ['payer'] }, 'expiresIn'],
  ])('is not made of %j', async (input, field) => {
    const { administration } = await keyWorld()
    await expect(administration.issueKey(input as KeyInput)).rejects.toThrow(field)
  })

  test('that was changed in the ledger is found', async () => {
    const { bursar, store, issued } = await keyWorld()
    const { credential } = await store.read({ credential: issued.id })
    if (!credential) throw new Error('There is no key.')
    const forged = { ...credential, roles: ['administrator'] as const }
    const note = { type: 'key-used', credential: issued.id } as const
    const change = { result: 0, credentials: [forged], events: [note] }
    await store.commit({ credential: issued.id }, () => change, 'now')
    expect(await bursar.auditing.verify()).toMatchObject({
      ok: false,
      reason: expect.stringContaining(`${issued.id} says roles`),
    })
  })

  test('however many made-up keys there are, a key that is new to the process passes', async () => {
    const { administration, reopen, reads } = await countedWorld()
    const key = await administration.issueKey(payer)
    const stranger = reopen()
    reads.length = 0
    const madeUp = Array.from({ length: 1_000 }, (_, one) => {
      const id = `key_${`${one}`.padStart(32, '0')}`
      return stranger.authenticate(`bursar_${id}_${'A'.repeat(43)}`)
    })
    expect(new Set(await Promise.all(madeUp))).toEqual(new Set([undefined]))
    expect(reads).toEqual([])
    expect(await stranger.authenticate(key.key)).toMatchObject({ id: key.id })
    expect(reads).toEqual([key.id])
  })

  test('however many wrong secrets name an id, the right one passes, and they share reads', async () => {
    const { issued, reopen, reads, hold } = await countedWorld()
    const stranger = reopen()
    reads.length = 0
    const release = hold()
    const wrong = Array.from({ length: 1_000 }, (_, one) =>
      stranger.authenticate(`bursar_${issued.id}_${`${one}`.padStart(43, 'A')}`),
    )
    const right = stranger.authenticate(issued.key)
    await setImmediate()
    release()
    expect(await right).toMatchObject({ id: issued.id })
    expect(new Set(await Promise.all(wrong))).toEqual(new Set([undefined]))
    expect(reads.length).toBeLessThanOrEqual(2)
  })

  test('who stops something is looked up before others, and is never refused', async () => {
    const { administration, reopen, reads, hold } = await countedWorld()
    const keys: { readonly id: string; readonly key: string }[] = []
    for (let one = 0; one < 80; one += 1) keys.push(await administration.issueKey(payer))
    const stranger = reopen()
    reads.length = 0
    const release = hold()
    const settled = Promise.allSettled(
      keys.slice(0, 79).map(({ key }) => stranger.authenticate(key)),
    )
    await setImmediate()
    const last = keys[79]
    const urgent = stranger.authenticate(last?.key ?? '', { urgent: true })
    await setImmediate()
    release()
    expect(await urgent).toMatchObject({ id: last?.id })
    const refused = (await settled).filter(({ status }) => status === 'rejected')
    // Eight are read, and 64 wait.
    expect(refused).toHaveLength(79 - 8 - 64)
    expect(reads.indexOf(last?.id ?? '')).toBe(8)
  })

  test('a text that is no live key is refused after a time that tells nothing', async () => {
    const { bursar, issued } = await keyWorld()
    const begun = performance.now()
    await bursar.authenticate(`bursar_${issued.id}_${'A'.repeat(43)}`)
    await bursar.authenticate(`bursar_key_${'0'.repeat(32)}_${'A'.repeat(43)}`)
    expect(performance.now() - begun).toBeGreaterThan(8)
  })
})

describe('a session whose payer’s key has ended', () => {
  test('pays nothing more, nor opens a child', async () => {
    const world = await keyWorld()
    const session = await boundSession(world, world.issued.id)
    expect(await session.pay(request)).toMatchObject({ status: 'paid' })
    await world.administration.revokeKey(world.issued.id)
    const other = { ...request, url: shop('b') }
    expect(await session.pay(other)).toMatchObject({ code: 'session_revoked' })
    await expect(session.openChild({ limits, expiresIn: '1m' })).rejects.toMatchObject({
      code: 'session_revoked',
    })
    expect(world.merchant.requests).toHaveLength(2)
  })

  test('is told so in the reserving commit, whoever has looked before', async () => {
    let world: Awaited<ReturnType<typeof keyWorld>> | undefined
    const opened = await keyWorld({
      onMoment: async (moment) => {
        // The session is revoked while the quote is in flight.
        if (moment === 'request-received') await world?.administration.revokeKey(world.issued.id)
      },
    })
    world = opened
    const session = await boundSession(opened, opened.issued.id)
    expect(await session.pay(request)).toMatchObject({ code: 'session_revoked' })
    expect(spentOnChain(opened)).toBe(0n)
  })
})

describe('an idempotency key', () => {
  const idempotencyKey = '0190a5f2-1111-7000-8000-000000000001'

  test('makes one session, and shows its one token again', async () => {
    const { bursar, delegation, store } = await keyWorld()
    const input = { delegation, expiresIn: '10m', limits }
    const create = () => bursar.management.createSession(input, { idempotencyKey })
    const [first, second] = await Promise.all([create(), create()])
    expect(second).toEqual(first)
    expect(await create()).toEqual(first)
    expect(await bursar.openSession(first.token).pay(request)).toMatchObject({ status: 'paid' })
    expect((await store.sessions({}, {})).rows).toHaveLength(2)
    const kept = JSON.stringify(await store.audit({}))
    expect(kept).not.toContain(idempotencyKey)
  })

  test('with another input is a conflict, and in another hand another operation', async () => {
    const { bursar, delegation } = await keyWorld()
    const input = { delegation, expiresIn: '10m', limits }
    const { management } = bursar
    const first = await management.createSession(input, { idempotencyKey })
    const other = { ...input, limits: { ...limits, total: '2.00' } }
    await expect(management.createSession(other, { idempotencyKey })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    })
    const { session, token } = await bursar
      .openSession(first.token)
      .openChild({ limits, expiresIn: '1m' }, { idempotencyKey })
    expect(session.id).not.toBe(first.id)
    const again = await bursar
      .openSession(first.token)
      .openChild({ limits, expiresIn: '1m' }, { idempotencyKey })
    expect([again.session.id, again.token]).toEqual([session.id, token])
  })

  test('a change that was made once is not made again after a later one', async () => {
    const { bursar, session } = await keyWorld()
    const change = (total: string, key?: string) =>
      bursar.management.changeSession(
        session.id,
        { limits: { ...limits, total } },
        key === undefined ? {} : { idempotencyKey: key },
      )
    await change('3.00', idempotencyKey)
    await change('2.00')
    expect(await change('3.00', idempotencyKey)).toMatchObject({ limits: { total: '2.00' } })
  })

  test('grants one delegation, makes one key, and rotates once', async () => {
    const { bursar, administration, issued } = await keyWorld()
    const grant = () =>
      bursar.endUser('alice').grantDelegation(
        {
          agent: 'a',
          instrument: 'alice-wallet',
          expiresIn: '1h',
          limits,
          consent: { how: 'test' },
        },
        { idempotencyKey },
      )
    expect(await grant()).toEqual(await grant())
    const issue = () => administration.issueKey(payer, { idempotencyKey })
    expect(await issue()).toEqual(await issue())
    const rotate = () => administration.rotateKey(issued.id, {}, { idempotencyKey })
    expect(await rotate()).toEqual(await rotate())
    expect((await administration.keys()).rows).toHaveLength(2)
  })

  test('of which the operation failed is free', async () => {
    let broken = false
    const world = await keyWorld({
      store: (store) => ({
        ...boundStore(store),
        commit: (scope, change, when) =>
          broken && scope.operation !== undefined
            ? Promise.reject(new BursarError('store_failed', 'test'))
            : store.commit(scope, change, when),
      }),
    })
    const issue = () => world.administration.issueKey(payer, { idempotencyKey })
    broken = true
    await expect(issue()).rejects.toMatchObject({ code: 'store_failed' })
    broken = false
    await expect(issue()).resolves.toMatchObject({ id: expect.stringContaining('key_') })
  })

  test.each(['short', 'with\nline, and long enough', 'é'.repeat(20), 'x'.repeat(256)])(
    '%j is none',
    async (wrong) => {
      const { administration } = await keyWorld()
      await expect(administration.issueKey(payer, { idempotencyKey: wrong })).rejects.toThrow(
        'issueKey: idempotencyKey',
      )
    },
  )
})
