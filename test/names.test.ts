import type { DelegationInput, SessionInput } from '@bursar/core'
import { fakePermissions } from '@bursar/core/testing'
import { describe, expect, test } from 'vitest'
import { type GuardWorld, guardWorld, HOST, shop } from './guard-world.ts'
import { outcome } from './sandbox-world.ts'

const grant: DelegationInput = {
  agent: 'researcher',
  name: 'market-data',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  limits: { currency: 'USD', total: '0.03', windows: [{ per: 'utc-day', amount: '0.03' }] },
  merchants: [{ host: HOST }],
  consent: { how: 'settings page', reference: 'form 1' },
}

const input = { name: 'nightly', limits: { currency: 'USD', total: '0.02' } }

const code = (code: string) => expect.objectContaining({ code })

const alice = ({ bursar }: GuardWorld) => bursar.endUser('alice')

describe('a delegation with a name', () => {
  test('is granted once, however often the same grant is made', async () => {
    const world = await guardWorld()
    const [first, ...others] = await Promise.all(
      [1, 2, 3].map(() => alice(world).grantDelegation(grant)),
    )
    const again = await world.reopen().endUser('alice').grantDelegation(grant)
    expect([...others, again].map(({ id }) => id)).toEqual(Array(3).fill(first?.id))
    expect(first).toMatchObject({ name: 'market-data', state: 'open' })
    // The world's own delegation, and this one.
    expect((await alice(world).delegations()).rows).toHaveLength(2)
    const other = await alice(world).grantDelegation({ ...grant, agent: 'writer' })
    expect(other.id).not.toBe(first?.id)
  })

  test.each<Partial<DelegationInput>>([
    { limits: { currency: 'USD', total: '0.04' } },
    { limits: { currency: 'USD', total: '0.02' } },
    { merchants: [{ host: 'other.example' }] },
    { merchants: undefined },
    { ask: { always: true } },
    { consent: { how: 'telephone' } },
    { expiresIn: '31d' },
  ])('is taken for %j, and says both values', async (change) => {
    const world = await guardWorld()
    const { id } = await alice(world).grantDelegation(grant)
    const changed = alice(world).grantDelegation({ ...grant, ...change })
    await expect(changed).rejects.toThrow(code('name_taken'))
    const [field] = Object.keys(change)
    await expect(changed).rejects.toThrow(new RegExp(`${id}, whose ${field} is .*, not .*`))
  })

  test('stays revoked, and keeps its name from a new grant', async () => {
    const world = await guardWorld()
    const { id } = await alice(world).grantDelegation(grant)
    await alice(world).revokeDelegation(id)
    expect(await alice(world).grantDelegation(grant)).toMatchObject({ id, state: 'revoked' })
    const open = world.bursar.management.createSession({ ...input, delegation: id })
    await expect(open).rejects.toThrow(code('delegation_revoked'))
    const next = await alice(world).grantDelegation({ ...grant, name: 'market-data-2' })
    expect(next).toMatchObject({ state: 'open' })
  })

  test('stays expired', async () => {
    const world = await guardWorld()
    const { id } = await alice(world).grantDelegation(grant)
    world.clock.advance(30 * 86_400_000)
    expect(await alice(world).grantDelegation(grant)).toMatchObject({ id, state: 'expired' })
  })

  test('is found while its wallet is empty', async () => {
    const world = await guardWorld()
    const { id } = await alice(world).grantDelegation(grant)
    world.rail.balance = async () => 0n
    expect((await alice(world).grantDelegation(grant)).id).toBe(id)
    const unnamed = alice(world).grantDelegation({ ...grant, name: undefined })
    await expect(unnamed).rejects.toThrow(code('instrument_unfunded'))
  })

  test('gets its name back if the provider granted nothing, and not if the end user revoked', async () => {
    const permissions = fakePermissions()
    const world = await guardWorld({ permissions })
    permissions.answerNext('throw')
    await expect(alice(world).grantDelegation(grant)).rejects.toThrow(
      code('permission_unavailable'),
    )
    const granted = await alice(world).grantDelegation(grant)
    expect(granted).toMatchObject({ state: 'open', permission: { state: 'granted' } })
    await alice(world).revokeDelegation(granted.id)
    expect(await alice(world).grantDelegation(grant)).toMatchObject({ id: granted.id })
  })
})

describe('a session with a name', () => {
  const open = async (world: GuardWorld, change: Partial<SessionInput> = {}) => {
    const delegation = change.delegation ?? (await alice(world).grantDelegation(grant)).id
    return world.bursar.management.createSession({ ...input, ...change, delegation })
  }
  const pay = async ({ bursar }: GuardWorld, token: string, path: string) =>
    outcome(await bursar.openSession(token).pay({ url: shop(path), purpose: '' }))

  test('is found with what is left in it, and every token of it pays', async () => {
    const world = await guardWorld()
    const first = await open(world)
    expect(await pay(world, first.token, 'a')).toBe('paid')
    const second = await open(world)
    expect(second).toMatchObject({ id: first.id, expiresAt: first.expiresAt })
    expect(second.token).not.toBe(first.token)
    expect(await pay(world, second.token, 'b')).toBe('paid')
    expect(await pay(world, first.token, 'c')).toBe('session_limit_exceeded')
    expect(await world.bursar.management.session(first.id)).toMatchObject({ name: 'nightly' })
    expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('is made once by calls at once', async () => {
    const world = await guardWorld()
    const { id: delegation } = await alice(world).grantDelegation(grant)
    const made = await Promise.all([1, 2, 3].map(() => open(world, { delegation })))
    expect(new Set(made.map(({ id }) => id)).size).toBe(1)
    expect(new Set(made.map(({ token }) => token)).size).toBe(3)
  })

  test('keeps its first token and the newest fifteen', async () => {
    const world = await guardWorld()
    const tokens: string[] = []
    for (let start = 0; start < 17; start += 1) tokens.push((await open(world)).token)
    const codes = await Promise.all(tokens.map((token) => pay(world, token, 'a')))
    expect(codes.map((one) => one !== 'session_unknown')).toEqual(
      tokens.map((_, start) => start !== 1),
    )
  })

  test('is followed by the next one after its payer closed it', async () => {
    const world = await guardWorld()
    const first = await open(world)
    expect(await pay(world, first.token, 'a')).toBe('paid')
    await world.bursar.openSession(first.token).close()
    const second = await open(world)
    expect(second.id).not.toBe(first.id)
    expect(await pay(world, first.token, 'b')).toBe('session_revoked')
    expect(await pay(world, second.token, 'b')).toBe('paid')
    expect(await pay(world, second.token, 'c')).toBe('paid')
    // The delegation has the total of all of them.
    expect(await pay(world, second.token, 'd')).toBe('window_limit_exceeded')
    expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('stays revoked while its delegation lives', async () => {
    const world = await guardWorld()
    const { id } = await open(world)
    await world.bursar.management.revokeSession(id)
    await expect(open(world)).rejects.toThrow(code('session_revoked'))
    const other = await alice(world).grantDelegation({ ...grant, name: 'market-data-2' })
    expect((await open(world, { delegation: other.id })).id).not.toBe(id)
  })

  test('is followed by another one in the same delegation after its expiry', async () => {
    const world = await guardWorld()
    const first = await open(world, { expiresIn: '1h' })
    expect(await pay(world, first.token, 'a')).toBe('paid')
    world.clock.advance(3_600_000)
    // What it was opened with has ended with it.
    const second = await open(world, { expiresIn: '2h' })
    expect(second.id).not.toBe(first.id)
    const { limits, settled, held, delegation } = await world.bursar.management.session(second.id)
    expect([limits.total, settled, held]).toEqual(['0.02', '0.00', '0.00'])
    const [total] = (await alice(world).delegations()).rows.filter(({ id }) => id === delegation)
    expect([total?.settled, total?.held]).toEqual(['0.00', '0.01'])
  })

  test.each<Partial<SessionInput>>([
    { limits: { currency: 'USD', total: '0.01' } },
    { expiresIn: '1h' },
    { merchants: [{ host: HOST }] },
    { payer: 'key_1' },
  ])('is taken for %j', async (change) => {
    const world = await guardWorld()
    await open(world)
    await expect(open(world, change)).rejects.toThrow(code('name_taken'))
  })

  test('is found by the input that opened it after a manager changed it', async () => {
    const world = await guardWorld()
    const { id } = await open(world)
    const limits = { currency: 'USD', total: '0.03' }
    await world.bursar.management.changeSession(id, { limits })
    expect((await open(world)).id).toBe(id)
  })

  test('is taken in another delegation while it lives there', async () => {
    const world = await guardWorld()
    const { id: delegation } = await alice(world).grantDelegation(grant)
    const { id } = await open(world, { delegation })
    const other = await alice(world).grantDelegation({ ...grant, name: 'market-data-2' })
    await expect(open(world, { delegation: other.id })).rejects.toThrow(
      `is taken by ${id}, in the delegation ${delegation}`,
    )
    await alice(world).revokeDelegation(delegation)
    expect((await open(world, { delegation: other.id })).id).not.toBe(id)
  })

  test('ends with its delegation, unless it says sooner', async () => {
    const world = await guardWorld()
    const { id: delegation, expiresAt } = await alice(world).grantDelegation(grant)
    expect((await open(world, { delegation })).expiresAt).toBe(expiresAt)
  })

  test('needs a delegation that there is', async () => {
    const world = await guardWorld()
    const unknown = open(world, { delegation: 'del_none' })
    await expect(unknown).rejects.toThrow(code('delegation_unknown'))
  })
})

describe('an archive', () => {
  test('keeps a revoked session that has a name', async () => {
    const world = await guardWorld()
    const { id: delegation } = await alice(world).grantDelegation(grant)
    const open = (name: string) =>
      world.bursar.management.createSession({ ...input, name, delegation, expiresIn: '1d' })
    const [closed, revoked] = [await open('closed'), await open('revoked')]
    await world.bursar.openSession(closed.token).close()
    await world.bursar.management.revokeSession(revoked.id)
    const archive = () =>
      world.bursar.administration.archive({
        endedFor: '1h',
        keep: async (lines) => {
          for await (const _ of lines);
        },
      })
    world.clock.advance(2 * 86_400_000)
    const { sessions } = await archive()
    expect(sessions).toContain(closed.id)
    expect(sessions).not.toContain(revoked.id)
    await expect(open('revoked')).rejects.toThrow(code('session_revoked'))
    expect((await open('closed')).id).not.toBe(closed.id)
  })
})
