import type { PolicyInput } from '../ports/policy.ts'
import { fakeAsset } from './fake-chain.ts'
import { fakePayee } from './fake-merchant.ts'

/** The fields to change of a `fakePolicyInput`. Terms keep the fields that are not given. */
export type FakePolicyChanges = Partial<Omit<PolicyInput, 'terms'>> & {
  readonly terms?: Partial<PolicyInput['terms']>
}

/**
 * Creates the input of a policy: a payment of 0.01 USD to `shop.example`, a known merchant, at noon (UTC) of
 * 2030-01-01.
 *
 * @example
 * ```ts
 * import { allowMerchants } from '@bursar/core'
 *
 * const policy = allowMerchants(['shop.example'])
 * const { effect } = policy.evaluate(fakePolicyInput({ terms: { host: 'other.example' } }))
 * console.log(effect) // deny
 * ```
 */
export function fakePolicyInput(changes: FakePolicyChanges = {}): PolicyInput {
  return {
    agent: 'researcher',
    endUser: 'alice',
    instrument: 'alice-wallet',
    delegation: 'del_1',
    session: 'ses_1',
    method: 'GET',
    path: '/a',
    purpose: 'a test',
    at: Date.UTC(2030, 0, 1, 12),
    remainingMicro: 1_000_000n,
    payments: 0,
    expiresAt: Date.UTC(2030, 0, 1, 13),
    knownMerchant: true,
    ...changes,
    terms: {
      rail: 'fake',
      scheme: 'exact',
      network: fakeAsset.network,
      asset: fakeAsset.address,
      currency: fakeAsset.currency,
      atomic: 10_000n,
      amountMicro: 10_000n,
      payee: fakePayee,
      host: 'shop.example',
      requestHash: '00',
      ...changes.terms,
    },
  }
}
