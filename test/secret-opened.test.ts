import { type AuditEvent, type Bursar, currentSecretUse, type Wallet } from '@bursar/core'
import { fakeRail } from '@bursar/core/testing'
import { describe, expect, test } from 'vitest'
import { type GuardWorld, guardWorld, shop } from './guard-world.ts'

/** Lets the world's wallet open a secret before each signature, as a vault does. */
function opening(it: GuardWorld, before = async () => {}): { readonly opened: string[] } {
  const wallet: Wallet = it.wallet
  const opened: string[] = []
  const { sign, address } = it.wallet
  Object.assign(wallet, {
    async address(family: 'evm') {
      opened.push(`address: ${currentSecretUse()?.purpose}`)
      return address(family)
    },
    async sign(request: Parameters<Wallet['sign']>[0]) {
      const use = currentSecretUse()
      if (!use || !('payment' in use)) throw new Error('Nothing is being signed.')
      await before()
      await use.recordOpening({ secret: 'cdp', version: '3' }).catch((error) => {
        opened.push(error.code)
        throw error
      })
      opened.push(`${use.purpose}: ${use.payment}`)
      return sign(request)
    },
  })
  return { opened }
}

async function paid({ session }: GuardWorld, path: string): Promise<string> {
  const result = await session.pay({ url: shop(path), purpose: 'read it' })
  if (result.status === 'paid') return result.receipt.paymentId
  throw new Error(`It is ${result.status}.`)
}

async function eventsOf(bursar: Bursar): Promise<readonly AuditEvent[]> {
  const { rows } = await bursar.auditing.read()
  return rows.map(({ event }) => event)
}

const isOpening = ({ type }: AuditEvent): boolean => type === 'secret-opened'

describe('the opening of a secret', () => {
  test('is a record between the reservation and the signature, without the value', async () => {
    const it = await guardWorld()
    const { opened } = opening(it)
    const id = await paid(it, 'a')
    const events = await eventsOf(it.bursar)
    expect(events.slice(-4).map(({ type }) => type)).toEqual([
      'payment-reserved',
      'secret-opened',
      'payment-signed',
      'payment-claimed',
    ])
    expect(events.find(isOpening)).toEqual({
      type: 'secret-opened',
      payment: id,
      session: it.session.id,
      delegation: it.delegation,
      endUser: 'alice',
      agent: 'researcher',
      amount: '0.01',
      currency: 'USD',
      host: 'shop.example',
      purpose: 'payment',
      secret: 'cdp',
      version: '3',
    })
    expect(opened.at(-1)).toBe(`payment: ${id}`)
    expect(await it.bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('is told apart for payments that are signed at the same time', async () => {
    const it = await guardWorld()
    opening(it)
    const ids = await Promise.all(['a', 'b', 'c', 'd'].map((path) => paid(it, path)))
    const events = (await eventsOf(it.bursar)).filter(isOpening)
    expect(events.flatMap((event) => ('payment' in event ? [event.payment] : [])).sort()).toEqual(
      [...ids].sort(),
    )
  })

  test('is possible below no other call of a wallet', async () => {
    const it = await guardWorld()
    const { opened } = opening(it)
    await it.reopen().administration.instruments()
    expect(opened).toEqual(['address: undefined'])
  })

  test('is recorded for a cancellation as well', async () => {
    const it = await guardWorld({
      rail: ({ chain }) => fakeRail({ chain, cancels: true }),
      resource: () => ({ conduct: 'drops' }),
    })
    const { opened } = opening(it)
    await it.session.pay({ url: shop('a'), purpose: 'read it' })
    const payment = (await it.bursar.auditing.payments()).rows[0]?.id ?? ''
    await it.bursar.endUser('alice').cancel({ payment })
    expect(opened.slice(-2)).toEqual([`payment: ${payment}`, `cancellation: ${payment}`])
    expect((await eventsOf(it.bursar)).filter(isOpening)).toMatchObject([
      { payment, purpose: 'payment' },
      { payment, purpose: 'cancellation' },
    ])
    expect(await it.bursar.auditing.verify()).toMatchObject({ ok: true })
  })

  test('is refused where proof came first', async () => {
    const it = await guardWorld()
    const { opened } = opening(it, async () => {
      it.clock.advance(3_600_000)
      expect(await it.bursar.reconcile()).toMatchObject({ released: 1 })
    })
    await it.session.pay({ url: shop('a'), purpose: 'read it' })
    expect(opened.at(-1)).toBe('secret_use_over')
    expect((await eventsOf(it.bursar)).filter(isOpening)).toEqual([])
    expect(it.wallet.requests).toEqual([])
  })
})
