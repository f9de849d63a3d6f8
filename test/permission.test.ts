import type { BursarError, Permissions } from '@bursar/core'
import { fakePermissions } from '@bursar/core/testing'
import { describe, expect, test } from 'vitest'
import { type GuardWorld, guardWorld, shop } from './guard-world.ts'

/** The time for which a request to a provider may still take effect. */
const REQUEST_LIFE_MS = 120_000

async function permissionWorld(
  changed: (permissions: Permissions) => Permissions = (same) => same,
) {
  const permissions = fakePermissions()
  const world = await guardWorld({ permissions: changed(permissions) })
  const alice = world.bursar.endUser('alice')
  return { ...world, permissions, alice, delegationState: () => stateOf(world, world.delegation) }
}

async function stateOf({ bursar }: GuardWorld, id: string): Promise<string> {
  const { rows } = await bursar.endUser('alice').delegations()
  const found = rows.find((one) => one.id === id)
  return `${found?.state} ${found?.permission?.state}`
}

/** Returns the types of the records about a delegation's permission, oldest first. */
async function recorded({ store }: GuardWorld): Promise<readonly string[]> {
  const { rows } = await store.audit({})
  return rows
    .map(({ body }): string => JSON.parse(body).type)
    .filter((type) => type.startsWith('permission-') || type === 'delegation-revoked')
}

const input = {
  agent: 'another',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  limits: { currency: 'USD', total: '2.00', perPayment: '0.50' },
  consent: { how: 'test' },
}
const limits = { currency: 'USD', total: '1.00' }

describe('a permission at the provider', () => {
  test('is granted with the delegation, for what it allows, and withdrawn with it', async () => {
    const world = await permissionWorld()
    const { alice, permissions, delegation, bursar } = world
    expect(permissions.granted.get(delegation)).toMatchObject({
      agent: 'researcher',
      address: await world.wallet.address('evm'),
      assets: [{ total: 100_000_000n, perPayment: 100_000_000n }],
    })
    const [summary] = (await alice.delegations()).rows
    expect(summary?.permission).toEqual({ id: `permission-of-${delegation}`, state: 'granted' })
    expect(await alice.readPermission(delegation)).toBe('granted')
    expect(await world.session.pay({ url: shop('a'), purpose: '' }, { id: '1' })).toMatchObject({
      status: 'paid',
    })
    const revoked = await alice.revokeDelegation(delegation)
    expect(revoked).toMatchObject({ state: 'revoked', permission: { state: 'withdrawn' } })
    expect(await alice.readPermission(delegation)).toBe('absent')
    expect(await recorded(world)).toEqual([
      'permission-granted',
      'delegation-revoked',
      'permission-revoked',
    ])
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('is asked for after the ledger has revoked, and not before', async () => {
    let ledger: string | undefined
    const world: GuardWorld = await permissionWorld((permissions) => ({
      ...permissions,
      async revoke(permission) {
        ledger = await stateOf(world, world.delegation)
        await permissions.revoke(permission)
      },
    }))
    await world.bursar.endUser('alice').revokeDelegation(world.delegation)
    expect(ledger).toBe('revoked withdrawing')
  })

  test('that cannot be withdrawn is recorded once, tried again, and told all the while', async () => {
    const world = await permissionWorld()
    const { alice, permissions, delegation, bursar } = world
    permissions.answerNext('throw', 'throw', 'throw')
    const revoked = await alice.revokeDelegation(delegation)
    expect(revoked).toMatchObject({ state: 'revoked', permission: { state: 'not_withdrawn' } })
    // The ledger's own revocation holds whatever the provider does.
    const denied = await world.session.pay({ url: shop('a'), purpose: '' }, { id: '1' })
    expect(denied).toMatchObject({ status: 'denied', code: 'delegation_revoked' })
    await bursar.reconcile()
    expect(await world.delegationState()).toBe('revoked not_withdrawn')
    expect(await alice.revokeDelegation(delegation)).toMatchObject({
      permission: { state: 'not_withdrawn' },
    })
    await bursar.reconcile()
    expect(await world.delegationState()).toBe('revoked withdrawn')
    expect(permissions.granted.size).toBe(0)
    expect(await recorded(world)).toEqual([
      'permission-granted',
      'delegation-revoked',
      'permission-withdrawal-failed',
      'permission-revoked',
    ])
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('whose withdrawal goes on failing is tried less often, and every hour at last', async () => {
    let attempts = 0
    const world = await permissionWorld((permissions) => ({
      ...permissions,
      async revoke() {
        attempts += 1
        throw new Error('It does not answer.')
      },
    }))
    const { alice, delegation, clock, bursar } = world
    await alice.revokeDelegation(delegation)
    const tried: number[] = []
    let age = 0
    for (; age <= 4 * 3_600_000; age += 15_000) {
      const before = attempts
      await bursar.reconcile()
      if (attempts > before) tried.push(age / 60_000)
      clock.advance(15_000)
    }
    const doubled = [0, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64]
    expect(tried).toEqual([...doubled, 124, 184])
    // A second revocation, and another process, retry at once.
    const before = attempts
    await alice.revokeDelegation(delegation)
    await world.reopen().reconcile()
    expect(attempts).toBeGreaterThanOrEqual(before + 2)
  })

  test('is withdrawn by another process where the first one has ended', async () => {
    const world = await permissionWorld()
    const { permissions, delegation } = world
    permissions.answerNext('throw')
    await world.alice.revokeDelegation(delegation)
    const other = world.reopen()
    await other.reconcile()
    expect(await world.delegationState()).toBe('revoked withdrawn')
    expect(permissions.granted.size).toBe(0)
  })

  test('whose withdrawal the provider claims, and does not know of, is not withdrawn', async () => {
    const world = await permissionWorld((permissions) => ({
      ...permissions,
      revoke: async () => undefined,
    }))
    expect(await world.alice.revokeDelegation(world.delegation)).toMatchObject({
      permission: { state: 'not_withdrawn' },
    })
  })

  test('of another end user cannot be read', async () => {
    const { bursar, delegation } = await permissionWorld()
    const problem = expect.objectContaining({ code: 'delegation_unknown' })
    await expect(bursar.endUser('bob').readPermission(delegation)).rejects.toThrow(problem)
  })
})

describe('a permission that is not granted', () => {
  const refused: [string, 'throw' | 'throw-after'][] = [
    ['because the provider refuses', 'throw'],
    ['because its answer was lost', 'throw-after'],
  ]
  test.each(refused)(
    '%s: its delegation is revoked, and nothing can be spent',
    async (_what, answer) => {
      const world = await permissionWorld()
      const { alice, permissions, bursar, clock } = world
      permissions.answerNext(answer)
      const failed: BursarError = await alice.grantDelegation(input).then(
        () => expect.fail(),
        (error: BursarError) => error,
      )
      expect(failed.code).toBe('permission_unavailable')
      const [, delegation] = (await alice.delegations()).rows
      const id = `${delegation?.id}`
      // The late grant may still take effect, so the guard withdraws it again afterwards.
      expect(await stateOf(world, id)).toBe('revoked withdrawing')
      permissions.grantLate(id)
      await bursar.reconcile()
      expect(await stateOf(world, id)).toBe('revoked withdrawing')
      permissions.grantLate(id)
      clock.advance(REQUEST_LIFE_MS)
      await bursar.reconcile()
      expect(await stateOf(world, id)).toBe('revoked withdrawn')
      expect([...permissions.granted.keys()]).toEqual([world.delegation])
      const creating = bursar.management.createSession({ delegation: id, expiresIn: '5m', limits })
      await expect(creating).rejects.toMatchObject({ code: 'delegation_revoked' })
      expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
    },
  )

  test('and not known to the provider afterwards was not granted', async () => {
    let reads = false
    const world = await permissionWorld((permissions) => ({
      ...permissions,
      read: async (name) => (reads ? 'absent' : permissions.read(name)),
    }))
    reads = true
    await expect(world.alice.grantDelegation(input)).rejects.toMatchObject({
      code: 'permission_unavailable',
      cause: { code: 'permission_absent' },
    })
  })

  test('with an id that is none was not granted', async () => {
    let id = 'fine'
    const world = await permissionWorld((permissions) => ({
      ...permissions,
      grant: async (request) => {
        await permissions.grant(request)
        return { id }
      },
    }))
    id = 'two\nlines'
    await expect(world.alice.grantDelegation(input)).rejects.toMatchObject({
      code: 'permission_unavailable',
      cause: { code: 'permission_invalid' },
    })
  })

  test('before its process has ended can be asked for again by its key, and spent from then', async () => {
    let hangs = false
    let arrived: () => void = () => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const world = await permissionWorld((permissions) => ({
      ...permissions,
      grant(request) {
        if (!hangs) return permissions.grant(request)
        arrived()
        return new Promise(() => {})
      },
    }))
    hangs = true
    const once = { idempotencyKey: 'the same operation' }
    void world.alice.grantDelegation(input, once)
    await arrival
    hangs = false
    const [, asked] = (await world.alice.delegations()).rows
    const given = { delegation: `${asked?.id}`, expiresIn: '5m', limits }
    expect(asked?.permission).toEqual({ state: 'requested' })
    await expect(world.bursar.management.createSession(given)).rejects.toMatchObject({
      code: 'permission_unavailable',
    })
    const granted = await world.alice.grantDelegation(input, once)
    expect(granted).toMatchObject({ id: asked?.id, permission: { state: 'granted' } })
    expect(await world.bursar.management.createSession(given)).toHaveProperty('token')
  })

  test('but for a request that comes after the withdrawal is withdrawn again', async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let asked = 0
    let isGated = false
    const world = await permissionWorld((permissions) => ({
      ...permissions,
      async grant(request) {
        if (isGated) {
          asked += 1
          await gates[asked - 1]?.promise
        }
        return permissions.grant(request)
      },
    }))
    isGated = true
    const once = { idempotencyKey: 'the same operation' }
    const first = world.alice.grantDelegation(input, once)
    const second = world.alice.grantDelegation(input, once)
    await expect.poll(() => asked).toBe(2)
    gates[0]?.resolve()
    // Either of the two calls may have come first.
    const { id } = await Promise.race([first, second])
    expect(await world.alice.revokeDelegation(id)).toMatchObject({
      permission: { state: 'withdrawn' },
    })
    gates[1]?.resolve()
    await Promise.all([first, second])
    expect([...world.permissions.granted.keys()]).toEqual([world.delegation])
  })

  test('is asked for again only as long as the request cannot outlive its withdrawal', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let hangs = false
    const asked: string[] = []
    const world = await permissionWorld((permissions) => ({
      ...permissions,
      async grant(request) {
        asked.push(request.delegation)
        resolve()
        if (hangs) await promise.then(() => new Promise(() => {}))
        return permissions.grant(request)
      },
    }))
    asked.length = 0
    hangs = true
    const once = { idempotencyKey: 'the same operation' }
    void world.alice.grantDelegation(input, once)
    await expect.poll(() => asked.length).toBe(1)
    hangs = false
    world.clock.advance(REQUEST_LIFE_MS - 1_000)
    const late = world.alice.grantDelegation(input, once)
    await expect(late).rejects.toMatchObject({ code: 'permission_unavailable' })
    const [, delegation] = (await world.alice.delegations()).rows
    expect(asked).toEqual([delegation?.id])
    expect(await stateOf(world, `${delegation?.id}`)).toBe('open requested')
    world.clock.advance(1_000)
    await world.bursar.reconcile()
    expect(await stateOf(world, `${delegation?.id}`)).toBe('revoked withdrawn')
  })

  test('before its process has ended is given up after a while', async () => {
    let hangs = false
    const world = await permissionWorld((permissions) => ({
      ...permissions,
      grant: (request) => (hangs ? new Promise(() => {}) : permissions.grant(request)),
    }))
    hangs = true
    void world.alice.grantDelegation(input)
    await expect.poll(async () => (await world.alice.delegations()).rows.length).toBe(2)
    const [, asked] = (await world.alice.delegations()).rows
    const other = world.reopen()
    await other.reconcile()
    expect(await stateOf(world, `${asked?.id}`)).toBe('open requested')
    world.clock.advance(REQUEST_LIFE_MS)
    await other.reconcile()
    expect(await stateOf(world, `${asked?.id}`)).toBe('revoked withdrawn')
  })
})

test('an instrument with half of the permissions is refused', async () => {
  const { bursar, wallet } = await guardWorld()
  const { grant, read } = fakePermissions()
  const instrument = { endUser: 'alice', wallet, permissions: { grant, read } as Permissions }
  await expect(bursar.administration.registerInstrument('half', instrument)).rejects.toThrow(
    'instrument half: permissions: are none.',
  )
})

test('a delegation of an instrument without permissions has none', async () => {
  const { bursar, delegation } = await guardWorld()
  const alice = bursar.endUser('alice')
  expect(await alice.readPermission(delegation)).toBe('absent')
  expect(await alice.revokeDelegation(delegation)).not.toHaveProperty('permission')
})
