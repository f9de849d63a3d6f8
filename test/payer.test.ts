import { describe, expect, test } from 'vitest'
import { guardWorld, shop, spentOnChain } from './guard-world.ts'

const limits = { currency: 'USD', total: '1.00' }
const request = { url: shop('a'), purpose: '' }

async function boundWorld() {
  const world = await guardWorld()
  const { id, token } = await world.bursar.management.createSession({
    delegation: world.delegation,
    expiresIn: '10m',
    limits,
    payer: 'key_agent',
  })
  return { ...world, id, token, bound: world.bursar.openSession(token, { payer: 'key_agent' }) }
}

describe('a session that is bound to a payer', () => {
  test('pays with its token only together with that credential', async () => {
    const { bursar, token, bound, ...world } = await boundWorld()
    for (const options of [{}, { payer: 'key_other' }]) {
      const session = bursar.openSession(token, options)
      expect(await session.pay(request)).toMatchObject({ code: 'session_unknown' })
      expect(await session.quote(request)).toMatchObject({ code: 'session_unknown' })
      expect(await session.status()).toEqual({ id: session.id, state: 'unknown' })
      await expect(session.openChild({ limits, expiresIn: '1m' })).rejects.toMatchObject({
        code: 'session_unknown',
      })
      await session.close()
    }
    expect(spentOnChain(world)).toBe(0n)
    expect(await bound.pay(request)).toMatchObject({ status: 'paid' })
    await bound.close()
    expect(await bound.status()).toMatchObject({ state: 'revoked' })
  })

  test('shows its payer to management, and records it', async () => {
    const { bursar, id } = await boundWorld()
    expect(await bursar.management.session(id)).toMatchObject({ payer: 'key_agent' })
    const { rows } = await bursar.auditing.read()
    const created = rows.find(({ event }) => 'session' in event && event.session === id)
    expect(created?.event).toMatchObject({ type: 'session-created', payer: 'key_agent' })
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('binds its children to its own credential, unless another is named', async () => {
    const { bursar, bound } = await boundWorld()
    const own = await bound.openChild({ limits, expiresIn: '1m' })
    expect(await own.session.pay(request)).toMatchObject({ status: 'paid' })
    expect(await bursar.openSession(own.token).pay(request)).toMatchObject({ status: 'denied' })
    const other = await bound.openChild({ limits, expiresIn: '1m', payer: 'key_helper' })
    const opened = (payer: string) => bursar.openSession(other.token, { payer })
    expect(await opened('key_agent').status()).toMatchObject({ state: 'unknown' })
    expect(await opened('key_helper').status()).toMatchObject({ state: 'open' })
  })

  test('a token whose session is bound to nobody pays nothing for a credential', async () => {
    const { bursar, token } = await guardWorld()
    const session = bursar.openSession(token, { payer: 'key_agent' })
    expect(await session.pay(request)).toMatchObject({ code: 'session_unknown' })
  })

  test.each(['', 'two words', 7])('no credential is called %j', async (payer) => {
    const { bursar, token } = await guardWorld()
    expect(() => bursar.openSession(token, { payer: payer as string })).toThrow(
      'openSession: payer',
    )
  })
})
