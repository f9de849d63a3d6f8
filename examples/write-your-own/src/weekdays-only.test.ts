import {
  allowHours,
  allowMerchants,
  allowNetworks,
  askAbove,
  type Bursar,
  createBursar,
} from '@bursar/core'
import {
  fakeAsset,
  fakeChain,
  fakeMerchant,
  fakeRail,
  fakeWallet,
  manualClock,
} from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { expect, test } from 'vitest'
import { weekdaysOnly } from './weekdays-only.ts'

const clock = manualClock(Date.UTC(2030, 0, 4, 12))
const chain = fakeChain({ clock })
const wallet = fakeWallet()
const merchant = fakeMerchant({ chain })
const parts = {
  store: sqliteStore({ path: ':memory:', clock }),
  rails: [fakeRail({ chain })],
  instruments: { 'alice-wallet': { endUser: 'alice', wallet } },
  assets: [fakeAsset],
  http: merchant,
}

// #region use
const bursar: Bursar = createBursar({
  ...parts,
  policies: [
    allowMerchants(['shop.example']),
    allowNetworks([fakeAsset.network]),
    allowHours({ from: 8, until: 18 }),
    askAbove({ currency: 'USD', amount: '0.50' }),
    weekdaysOnly,
  ],
})
// #endregion

test('a policy is asked at every payment, and its name is recorded', async () => {
  chain.mint(fakeAsset, await wallet.address('evm'), 1_000_000n)
  const limits = { currency: 'USD', total: '1.00' }
  const delegation = await bursar.endUser('alice').grantDelegation({
    agent: 'researcher',
    instrument: 'alice-wallet',
    expiresIn: '30d',
    merchants: [{ host: 'shop.example' }],
    consent: { how: 'test' },
    limits,
  })
  const { token } = await bursar.management.createSession({
    delegation: delegation.id,
    expiresIn: '8d',
    limits,
  })
  const session = bursar.openSession(token)
  const pay = (path: string) => session.pay({ url: `https://shop.example/${path}` })
  expect(await pay('friday')).toMatchObject({ status: 'paid' })
  clock.advance(86_400_000)
  expect(await pay('saturday')).toMatchObject({ status: 'denied', code: 'policy_denied' })
  const { rows } = await bursar.auditing.read()
  expect(rows.map(({ event }) => event)).toMatchObject([
    { type: 'instrument-registered' },
    { type: 'delegation-granted' },
    { type: 'session-created' },
    { type: 'payment-reserved', policies: expect.arrayContaining(['weekdays-only']) },
    { type: 'payment-signed' },
    { type: 'payment-claimed' },
    {
      type: 'payment-denied',
      detail: expect.stringContaining('policy weekdays-only: it is the weekend'),
    },
  ])
  await bursar.close()
})
