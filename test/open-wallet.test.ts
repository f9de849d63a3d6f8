import { createBursar, type OpenWalletOptions, openWallet } from '@bursar/core'
import {
  fakeAsset,
  fakeChain,
  fakeMerchant,
  fakeRail,
  fakeWallet,
  manualClock,
} from '@bursar/core/testing'
import { describe, expect, test } from 'vitest'
import { HOST, shop, usual } from './guard-world.ts'
import { storeAt } from './places/store-place.ts'
import { outcome } from './sandbox-world.ts'

const code = (code: string) => expect.objectContaining({ code })

/** A process's ledger, wallet and shop, in which `open` is its set-up code and `bursar` the owner's own guard. */
async function walletWorld() {
  const clock = manualClock()
  const chain = fakeChain({ clock, finalitySeconds: FINALITY_SECONDS })
  const [wallet, rail] = [fakeWallet(), fakeRail({ chain })]
  chain.mint(fakeAsset, await wallet.address('evm'), 1_000_000n)
  const store = storeAt(await usual.place(), clock)
  usual.opened(store)
  // A guard closes its client, and each start has one of its own.
  const http = { ...fakeMerchant({ chain }), close: async () => undefined }
  const parts = { store, http, assets: [fakeAsset] }
  const open = (change: Partial<OpenWalletOptions> = {}) =>
    openWallet({
      ...{ ...parts, rail, wallet },
      name: 'market-data',
      agent: 'researcher',
      limits: { currency: 'USD', total: '0.03' },
      merchants: [{ host: HOST }],
      ...change,
    })
  const bursar = createBursar({ ...parts, rails: [rail] })
  const owner = bursar.endUser('owner')
  return { clock, chain, store, rail, wallet, bursar, owner, open }
}

const FINALITY_SECONDS = 60

type World = Awaited<ReturnType<typeof walletWorld>>

const buy = async (session: Awaited<ReturnType<World['open']>>, path: string) =>
  outcome(await session.pay({ url: shop(path), purpose: '' }))

/** Lets the chain finish what was paid, and the ledger learn it. */
async function settle({ clock, bursar }: World): Promise<void> {
  clock.advance((FINALITY_SECONDS + 1) * 1_000)
  await bursar.reconcile()
}

async function stop({ owner }: World): Promise<void> {
  const { rows } = await owner.delegations()
  for (const { id } of rows) await owner.revokeDelegation(id)
}

describe('openWallet', () => {
  test('started three times has one total', async () => {
    const world = await walletWorld()
    const outcomes: string[] = []
    for (const start of [1, 2]) {
      const session = await world.open()
      outcomes.push(await buy(session, `${start}a`), await buy(session, `${start}b`))
    }
    expect(outcomes).toEqual(['paid', 'paid', 'paid', 'session_limit_exceeded'])
    await settle(world)
    await expect(world.open()).rejects.toThrow(code('delegation_used_up'))
    const { rows } = await world.owner.delegations()
    expect(rows).toMatchObject([{ name: 'market-data', agent: 'researcher', remaining: '0.00' }])
    expect((await world.owner.sessions()).rows).toHaveLength(1)
    expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('opens once for processes that start at the same time', async () => {
    const world = await walletWorld()
    const opened = await Promise.all([world.open(), world.open(), world.open()])
    expect(new Set(opened.map(({ id }) => id)).size).toBe(1)
    expect((await world.owner.delegations()).rows).toHaveLength(1)
  })

  test('gives a session that can raise nothing', async () => {
    const world = await walletWorld()
    const session = await world.open()
    expect(Object.keys(session)).toEqual(['id'])
    expect(JSON.stringify(session)).toBe(`{"session":"${session.id}"}`)
  })

  test('stays stopped after the end user revoked it', async () => {
    const world = await walletWorld()
    await world.open()
    await stop(world)
    await expect(world.open()).rejects.toThrow(code('delegation_revoked'))
    await expect(world.open()).rejects.toThrow('give it another name')
    expect(await buy(await world.open({ name: 'market-data-2' }), 'a')).toBe('paid')
  })

  test('stays stopped after its session was revoked', async () => {
    const world = await walletWorld()
    const { id } = await world.open()
    await world.bursar.management.revokeSession(id)
    await expect(world.open()).rejects.toThrow(code('session_revoked'))
  })

  test('answers that its time is over', async () => {
    const world = await walletWorld()
    await world.open()
    world.clock.advance(30 * 86_400_000)
    await expect(world.open()).rejects.toThrow(code('delegation_expired'))
  })

  test.each([
    ['total', { total: '0.02' }],
    ['number of payments', { total: '0.03', payments: 2 }],
  ])('answers that its %s is used up', async (_what, limits) => {
    const world = await walletWorld()
    const open = () => world.open({ limits: { currency: 'USD', ...limits } })
    const session = await open()
    expect([await buy(session, 'a'), await buy(session, 'b')]).toEqual(['paid', 'paid'])
    await settle(world)
    await expect(open()).rejects.toThrow(code('delegation_used_up'))
    await expect(open()).rejects.toThrow('0.02 of')
  })

  test('follows code that narrows, and widens again as far as was granted', async () => {
    const world = await walletWorld()
    const limits = { currency: 'USD', total: '0.03', perPayment: '0.02' }
    const session = await world.open({ limits })
    expect(await buy(session, 'a')).toBe('paid')
    const narrow = await world.open({ limits: { ...limits, perPayment: '0.009' } })
    expect(await buy(narrow, 'b')).toBe('payment_limit_exceeded')
    const elsewhere = { ...limits, total: '0.019' }
    expect(await buy(await world.open({ limits: elsewhere }), 'b')).toBe('session_limit_exceeded')
    expect(await buy(await world.open({ limits }), 'b')).toBe('paid')
    expect((await world.owner.sessions()).rows).toHaveLength(1)
  })

  test('never begins narrower limits anew, though its agent closes the session', async () => {
    const world = await walletWorld()
    await world.open()
    const limits = { currency: 'USD', total: '0.01' }
    const session = await world.open({ limits })
    expect(await buy(session, 'a')).toBe('paid')
    await session.close()
    await settle(world)
    await expect(world.open({ limits })).rejects.toThrow(code('delegation_used_up'))
    const wider = await world.open({ limits: { currency: 'USD', total: '0.02', payments: 9 } })
    expect([await buy(wider, 'b'), await buy(wider, 'c')]).toEqual([
      'paid',
      'session_limit_exceeded',
    ])
  })

  test('has nothing left after its agent closed a session that holds all of it', async () => {
    const world = await walletWorld()
    const limits = { currency: 'USD', total: '0.02', payments: 1 }
    const session = await world.open({ limits })
    expect(await buy(session, 'a')).toBe('paid')
    await session.close()
    await expect(world.open({ limits })).rejects.toThrow(code('delegation_used_up'))
  })

  test('opens while what it has spent is not proved', async () => {
    const world = await walletWorld()
    const limits = { currency: 'USD', total: '0.01' }
    expect(await buy(await world.open({ limits }), 'a')).toBe('paid')
    expect(await buy(await world.open({ limits }), 'b')).toBe('session_limit_exceeded')
  })

  test('narrows merchants', async () => {
    const world = await walletWorld()
    const merchants = [{ host: HOST }, { host: 'other.example' }]
    await world.open({ merchants })
    const narrow = await world.open({ merchants: merchants.slice(1) })
    expect(await buy(narrow, 'a')).toBe('merchant_not_allowed')
    expect(await buy(await world.open({ merchants }), 'a')).toBe('paid')
  })

  test.each<[string, Partial<OpenWalletOptions>, RegExp]>([
    ['total', { limits: { currency: 'USD', total: '0.04' } }, /at most 0\.03.*"0\.04"/],
    ['currency', { limits: { currency: 'EUR', total: '0.03' } }, /must be USD.*EUR/],
    ['merchants', { merchants: [{ host: 'other.example' }] }, /other\.example.*shop\.example/],
    ['expiresIn', { expiresIn: '60d' }, /ends at .*the code says/],
  ])('says both values of a wider %s', async (_what, change, message) => {
    const world = await walletWorld()
    await world.open()
    await expect(world.open(change)).rejects.toThrow(code('name_taken'))
    await expect(world.open(change)).rejects.toThrow(message)
  })

  test('takes payees of a merchant as narrower than none, and not the other way round', async () => {
    const world = await walletWorld()
    const [one, two] = ['1', '2'].map((digit) => `0x${digit.repeat(40)}`)
    const open = (...payees: (string | undefined)[]) =>
      world.open({
        name: 'payees',
        merchants: [{ host: HOST, ...(payees[0] ? { payees: payees.map(String) } : {}) }],
      })
    await open(one)
    await open(one)
    await expect(open()).rejects.toThrow(code('name_taken'))
    await expect(open(two)).rejects.toThrow(code('name_taken'))
    await expect(open(one, two)).rejects.toThrow(code('name_taken'))
  })

  test('is another budget for another agent or end user', async () => {
    const world = await walletWorld()
    const opened = [
      await world.open(),
      await world.open({ agent: 'writer' }),
      await world.open({ endUser: 'bob' }),
    ]
    expect(new Set(opened.map(({ id }) => id)).size).toBe(3)
  })

  test('refuses a name that a grant with another wallet has', async () => {
    const world = await walletWorld()
    const bursar = createBursar({
      store: world.store,
      rails: [world.rail],
      assets: [fakeAsset],
      instruments: { 'own-wallet': { endUser: 'owner', wallet: world.wallet } },
    })
    await bursar.endUser('owner').grantDelegation({
      agent: 'researcher',
      name: 'market-data',
      instrument: 'own-wallet',
      expiresIn: '30d',
      limits: { currency: 'USD', total: '0.03' },
      consent: { how: 'settings page' },
    })
    await expect(world.open()).rejects.toThrow(/wallet: is own-wallet/)
  })

  test.each<[string, Partial<OpenWalletOptions>]>([
    ['name', { name: '' }],
    ['agent', { agent: 'a b' }],
    ['limits.total', { limits: { currency: 'USD', total: '-1' } }],
    ['merchants', { merchants: [] }],
    ['expiresIn', { expiresIn: 'soon' }],
    ['name, with endUser and agent', { name: 'n'.repeat(100), agent: 'a'.repeat(100) }],
    ['rail', { rail: {} as never }],
    ['store', { store: {} as never }],
  ])('refuses a wrong %s, and leaves nothing behind', async (field, change) => {
    const world = await walletWorld()
    await expect(world.open(change)).rejects.toThrow(field)
    expect((await world.owner.delegations()).rows).toEqual([])
    expect(outcome(await (await world.open()).pay({ url: shop('a'), purpose: '' }))).toBe('paid')
  })

  test('says that an empty wallet has to be funded, and opens once it is', async () => {
    const world = await walletWorld()
    const wallet = fakeWallet({ address: `0x${'7'.repeat(40)}` })
    await expect(world.open({ wallet })).rejects.toThrow(code('instrument_unfunded'))
    world.chain.mint(fakeAsset, await wallet.address('evm'), 1_000_000n)
    expect(await buy(await world.open({ wallet }), 'a')).toBe('paid')
  })
})
