import type { PolicyInput } from '../ports/policy.ts'
import { fakeAsset } from './fake-chain.ts'
import { fakePayee } from './fake-merchant.ts'

/** What can be changed of a `fakePolicyInput`; of the terms, too, only what is named. */
export type FakePolicyChanges = Partial<Omit<PolicyInput, 'terms'>> & {
  readonly terms?: Partial<PolicyInput['terms']>
}

/**
 * What a policy is given, to test it with: a payment of 0.01 USD to `shop.example`, known by now, at
 * noon (UTC) of the first day of 2030.
 *
 * @example
 * expect(policy.evaluate(fakePolicyInput({ terms: { host: 'other.example' } })).effect).toBe('deny')
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
