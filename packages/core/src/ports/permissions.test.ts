import { describe, expect, test } from 'vitest'
import type { Delegation } from '../ledger/delegation.ts'
import { isUnsettled, revokedDelegation } from '../ledger/delegation.ts'
import { fakeAsset } from '../testing/fake-chain.ts'
import { permissionRequest } from './permissions.ts'

const delegation: Delegation = {
  id: 'del_1',
  endUser: 'alice',
  agent: 'researcher',
  instrument: 'alice-wallet',
  limits: { currency: 'USD', totalMicro: 2_000_001n, windows: [] },
  usage: { settledMicro: 0n, heldMicro: 0n, payments: 0, windows: [] },
  consent: { how: 'test' },
  createdAt: 1,
  expiresAt: 2,
}
const address = `0x${'a1'.repeat(20)}`

describe('what a provider is asked for', () => {
  const requestOf = (some: Partial<Delegation>, assets = [fakeAsset]) =>
    permissionRequest({ ...delegation, ...some }, address, assets)

  test('is what the delegation allows, in atomic units, rounded down', () => {
    const coarse = { ...fakeAsset, decimals: 2 }
    const fine = { ...fakeAsset, decimals: 18 }
    expect(requestOf({}, [fakeAsset, coarse, fine])).toEqual({
      delegation: 'del_1',
      endUser: 'alice',
      agent: 'researcher',
      address,
      assets: [
        { asset: fakeAsset, total: 2_000_001n, perPayment: 2_000_001n },
        { asset: coarse, total: 200n, perPayment: 200n },
        { asset: fine, total: 2_000_001n * 10n ** 12n, perPayment: 2_000_001n * 10n ** 12n },
      ],
      startsAt: 1,
      expiresAt: 2,
    })
  })

  test('is no more in one payment than the limit of one, or all', () => {
    const perPaymentOf = (perPaymentMicro: bigint) =>
      requestOf({ limits: { ...delegation.limits, perPaymentMicro } }).assets[0]?.perPayment
    expect(perPaymentOf(5n)).toBe(5n)
    expect(perPaymentOf(9_000_000n)).toBe(2_000_001n)
  })

  test('leaves out assets of another currency', () => {
    expect(requestOf({}, [{ ...fakeAsset, currency: 'EUR' }]).assets).toEqual([])
  })

  test('names the payees only where every merchant has some', () => {
    const payeesOf = (merchants: Delegation['merchants']) =>
      requestOf(merchants ? { merchants } : {}).payees
    expect(
      payeesOf([
        { host: 'a', payees: ['0x1', '0x2'] },
        { host: 'b', payees: ['0x1'] },
      ]),
    ).toEqual(['0x1', '0x2'])
    expect(payeesOf([{ host: 'a', payees: ['0x1'] }, { host: 'b' }])).toBe(undefined)
    expect(payeesOf(undefined)).toBe(undefined)
  })
})

test('a permission is settled when it is granted, or gone', () => {
  const states = ['requested', 'granted', 'withdrawing', 'not_withdrawn', 'withdrawn'] as const
  const unsettled = states.filter((state) => isUnsettled({ ...delegation, permission: { state } }))
  expect(unsettled).toEqual(['requested', 'withdrawing', 'not_withdrawn'])
  expect(isUnsettled(delegation)).toBe(false)
})

test('a delegation that is revoked has its permission withdrawn, if it has one', () => {
  const revoked = { ...delegation, revokedAt: 7 }
  expect(revokedDelegation(delegation, 7)).toEqual(revoked)
  const granted = { ...delegation, permission: { id: 'p', state: 'granted' } } as const
  const leaving = { id: 'p', state: 'withdrawing' }
  expect(revokedDelegation(granted, 7)).toEqual({ ...revoked, permission: leaving })
})
