import { describe, expect, test } from 'vitest'
import type { KnownMerchant } from '../ledger/merchant.ts'
import type { Payment } from '../ledger/payment.ts'
import { countMerchant } from './merchant-count.ts'

describe('a payment at a merchant', () => {
  test('counts from its reservation to its release', () => {
    expect(countMerchant(known(), undefined, payment('reserved'))).toEqual(row({ payments: 3 }))
    expect(countMerchant(known(), payment('signed'), payment('released'))).toEqual(
      row({ payments: 1 }),
    )
    for (const [before, after] of [
      ['reserved', 'signed'],
      ['signed', 'claimed'],
      ['claimed', 'settled'],
    ] as const) {
      expect(countMerchant(known(), delivered(before), delivered(after))).toEqual({})
    }
  })

  test('pins its payee where none is pinned, and keeps the trouble there was', () => {
    const other = known({ payee: '0xother', payments: 0, troubled: 2 })
    const first = { delegation: 'del_1', host: 'shop.example', payee: '0x1', payments: 1 }
    const pinned = { merchants: [{ ...first, troubled: 2 }] }
    expect(countMerchant(other, undefined, payment('reserved'))).toEqual(pinned)
    expect(countMerchant(other, payment('released'), delivered('settled'))).toEqual(pinned)
    const unknown = countMerchant(undefined, undefined, payment('reserved'))
    expect(unknown).toEqual({ merchants: [{ ...first, troubled: 0 }] })
    const kept = known({ payee: '0xother' })
    expect(countMerchant(kept, undefined, payment('reserved'))).toEqual(
      row({ payee: '0xother', payments: 3 }),
    )
  })

  test.each<[Payment, Payment, number]>([
    [payment('signed'), payment('in_doubt'), 2],
    [payment('signed'), payment('claimed'), 2],
    [payment('signed'), payment('settled'), 2],
    [payment('in_doubt'), delivered('settled'), 0],
    [payment('settled'), delivered('settled'), 0],
  ])('is trouble while it is in doubt or undelivered: %#', (before, after, troubled) => {
    expect(countMerchant(known(), before, after)).toEqual(row({ troubled }))
  })

  test('that is released out of doubt is neither', () => {
    expect(countMerchant(known(), payment('in_doubt'), payment('released'))).toEqual(
      row({ payments: 1, troubled: 0 }),
    )
  })

  test('changes no row that is gone, unless it counts anew', () => {
    expect(countMerchant(undefined, payment('in_doubt'), payment('released'))).toEqual({})
    expect(countMerchant(undefined, payment('signed'), payment('in_doubt'))).toEqual({})
    expect(countMerchant(undefined, payment('released'), payment('settled'))).toEqual({
      merchants: [known({ payments: 1 })],
    })
  })
})

function known(changed: Partial<KnownMerchant> = {}): KnownMerchant {
  const counts = { payments: 2, troubled: 1 }
  return { delegation: 'del_1', host: 'shop.example', payee: '0x1', ...counts, ...changed }
}

function row(changed: Partial<KnownMerchant>): { merchants: readonly KnownMerchant[] } {
  return { merchants: [known(changed)] }
}

function payment(state: Payment['state']): Payment {
  const terms = { host: 'shop.example', payee: '0x1' }
  return { id: 'pay_1', delegation: 'del_1', state, terms } as Payment
}

function delivered(state: Payment['state']): Payment {
  return { ...payment(state), delivery: { delivered: true } as Payment['delivery'] & object }
}
