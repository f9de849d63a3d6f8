import { expect, test } from 'vitest'
import type { Payment } from '../ledger/payment.ts'
import type { Rail } from '../ports/rail.ts'
import type { Store } from '../ports/store.ts'
import { fakeAsset, fakeChain } from '../testing/fake-chain.ts'
import { fakeRail } from '../testing/fake-rail.ts'
import { createReconciler, MAX_RECONCILED_PER_RUN } from './reconcile.ts'

/** The number of released payments that are watched. */
const MAX_WATCHED = 1_000

test('what was released is watched up to a bound, and the oldest give way', async () => {
  let asked: string[] = []
  const rail: Rail = {
    ...fakeRail({ chain: fakeChain() }),
    reconcile: async ({ paymentId }) => {
      asked.push(paymentId)
      return { outcome: 'released', evidence: { block: '1', reason: 'expired unused' } }
    },
  }
  let next = 0
  let waiting = true
  const store = {
    now: () => 0,
    commit: async () => ({ state: 'released' }),
    payments: async () => ({
      rows: Array.from({ length: waiting ? MAX_RECONCILED_PER_RUN : 0 }, () => payment(next++)),
      cursor: `${next}`,
    }),
  } as unknown as Store
  const reconciler = createReconciler({
    store,
    rails: [rail],
    assets: [fakeAsset],
    warn: () => undefined,
    closing: new AbortController().signal,
  })
  for (let released = 0; released <= MAX_WATCHED; released += MAX_RECONCILED_PER_RUN) {
    await reconciler.run()
  }
  waiting = false
  asked = []
  await reconciler.run()
  expect(asked).toHaveLength(MAX_WATCHED)
  expect(asked[0]).toBe(`pay_${MAX_RECONCILED_PER_RUN}`)
})

function payment(index: number): Payment {
  return {
    id: `pay_${index}`,
    session: 'ses_1',
    delegation: 'del_1',
    endUser: 'alice',
    instrument: 'alice-wallet',
    state: 'in_doubt',
    terms: {
      rail: 'fake',
      scheme: 'exact',
      network: fakeAsset.network,
      asset: fakeAsset.address,
      currency: 'USD',
      atomic: 1n,
      amountMicro: 1n,
      payee: '0x1',
      host: 'shop.example',
      requestHash: `${index}`,
    },
    termsHash: '',
    payer: '0x2',
    nonce: `0x${index}`,
    path: '/',
    purpose: '',
    tokenHash: '',
    reservedAt: 0,
    tokenExpiresAt: 0,
    validBefore: 0,
    overrun: false,
  }
}

test('a run for a delegation is shared for a moment, and remembered up to a bound', async () => {
  let asked = 0
  let now = 0
  const store = {
    now: () => now,
    payments: async () => {
      asked += 1
      return { rows: [] }
    },
  } as unknown as Store
  const { signal: closing } = new AbortController()
  const parts = { store, rails: [], assets: [], warn: () => undefined, closing }
  const reconciler = createReconciler(parts)
  await Promise.all([reconciler.soon('del_first'), reconciler.soon('del_first')])
  expect(asked).toBe(1)
  now = 2_000
  await reconciler.soon('del_first')
  expect(asked).toBe(2)
  for (let index = 0; index < 1_000; index += 1) await reconciler.soon(`del_${index}`)
  await reconciler.soon('del_999')
  expect(asked).toBe(1_002)
  await reconciler.soon('del_first')
  expect(asked).toBe(1_003)
})
