import type { LedgerState, Store, Terms } from '@bursar/core'
import { fakeAsset, fakePayee } from '@bursar/core/testing'
import { createTermsNonce, hashTerms } from '../../packages/core/src/pay/terms.ts'
import { sha256Hash } from '../../packages/core/src/primitives/hash.ts'
import { newId } from '../../packages/core/src/primitives/id.ts'
import { decidePayment } from '../../packages/core/src/rules/decide.ts'
import { claimPayment, settlePayment } from '../../packages/core/src/rules/payment-transitions.ts'
import type { Intent } from '../../packages/core/src/rules/reservation.ts'

/** The host of the merchant of every payment. */
export const HOST = 'shop.example'

const AMOUNT = 10_000n

const content = new TextEncoder().encode('{"symbol":"ACME","price":"103.40","currency":"USD"}')

const delivery = {
  httpStatus: 200,
  contentType: 'application/json',
  contentSha256: sha256Hash(content),
  bytes: content.byteLength,
  truncated: false,
  delivered: true,
}

/** A payment whose reservation is durable. */
export interface ReservedPayment {
  /** Resolves when the payment's claim and proof are durable. */
  readonly followUp: Promise<unknown>
}

/**
 * Commits one payment to a store with the functions and scopes of a guard: the reservation `now`,
 * claim and proof `soon`. Wallet, rail and merchant take no time.
 */
export async function payment(store: Store, session: string): Promise<ReservedPayment> {
  const intent = newIntent()
  const { key, terms } = intent
  const { requestHash, host } = terms
  const scope = { session, key, requestHash, host, termsHash: intent.termsHash }
  const reserving = (state: LedgerState, now: number) => decidePayment(state, intent, now)
  const decision = await store.commit(scope, reserving, 'now')
  if (decision.kind !== 'reserved') throw new Error(`A payment was ${decision.kind}.`)
  return { followUp: Promise.all([claimed(store, intent), proven(store, intent)]) }
}

function claimed(store: Store, { paymentId }: Intent): Promise<unknown> {
  const kept = { payment: paymentId, status: 200, headers: {}, body: content, truncated: false }
  const claiming = { transaction: `0x${sha256Hash(paymentId)}`, delivery, content: kept }
  const scope = { payment: paymentId, host: HOST }
  return store.commit(
    scope,
    (state, now) => claimPayment(state, { ...claiming, heardAt: now }, now),
    'soon',
  )
}

function proven(store: Store, { paymentId }: Intent): Promise<unknown> {
  const evidence = { transaction: `0x${sha256Hash(paymentId)}`, block: '1', reason: 'transferred' }
  const scope = { payment: paymentId, host: HOST }
  return store.commit(scope, (state, now) => settlePayment(state, evidence, now), 'soon')
}

/** Creates an intent with a request and an idempotency key of its own. */
function newIntent(): Intent & { readonly key: string } {
  const paymentId = newId('pay')
  const terms: Terms = {
    rail: 'fake',
    scheme: 'exact',
    network: fakeAsset.network,
    asset: fakeAsset.address,
    currency: fakeAsset.currency,
    atomic: AMOUNT,
    amountMicro: AMOUNT,
    payee: fakePayee,
    host: HOST,
    requestHash: sha256Hash(`request of ${paymentId}`),
  }
  return {
    paymentId,
    approvalId: newId('apr'),
    nonce: createTermsNonce(paymentId),
    tokenHash: sha256Hash(`token of ${paymentId}`),
    terms,
    termsHash: hashTerms(terms),
    method: 'GET',
    path: '/quote',
    isDialled: true,
    purpose: 'the latest quote',
    validForSeconds: 60,
    payer: `0x${'a11ce'.padStart(40, '0')}`,
    balanceAtomic: AMOUNT,
    key: sha256Hash(`key of ${paymentId}`),
    policies: [],
    ignoredArguments: [],
  }
}
