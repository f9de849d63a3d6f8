import type { Span } from '@opentelemetry/api'
import type { Reconciler, Reconciliation } from '../guard/reconciler.ts'
import { runInTelemetrySpan } from '../guard/telemetry.ts'
import { isUnprovenPayment, type Payment, unprovenStates } from '../ledger/payment.ts'
import { type Asset, findAsset } from '../money/asset.ts'
import type { OpenPayment, Rail, Verdict } from '../ports/rail.ts'
import type { Page, Store } from '../ports/store.ts'
import { withinDeadline } from '../primitives/deadline.ts'
import { inTurns } from '../primitives/in-turns.ts'
import { settleArchivedPayment } from '../rules/archived-overrun.ts'
import {
  releaseProvenPayment,
  scopeOfPayment,
  settlePayment,
} from '../rules/payment-transitions.ts'

/** The most payments that one run asks the rails about. The next run continues after them. */
export const MAX_RECONCILED_PER_RUN = 200

/** The number of payments that are asked about at the same time. */
const CONCURRENCY = 8

/** The longest time for a rail's verdict. After it, the next run asks again. */
const VERDICT_TIMEOUT_MS = 20_000

/** The parts of a guard that reconciling needs. */
export interface ReconcileParts {
  readonly store: Store
  readonly rails: readonly Rail[]
  readonly assets: readonly Asset[]
  /** Tells the operator that a verdict could not be written. The next run retries. */
  readonly warn: (what: string, error: unknown) => void
  /** A signal that is aborted when the guard closes: from then on no rail is asked or awaited. */
  readonly closing: AbortSignal
}

/** The time for which one run for a delegation serves every caller that asks for one. */
const SHARED_RUN_MS = 2_000

/** The most delegations whose last run is remembered. Beyond it the oldest are forgotten. */
const MAX_SHARED_RUNS = 1_000

/** The time for which a released payment is checked again: finality has failed on block chains. */
const WATCH_RELEASED_MS = 3_600_000

/** The most released payments that are watched at the same time. The oldest give way. */
const MAX_WATCHED = 1_000

export function createReconciler(parts: ReconcileParts): Reconciler {
  const watch = createReconcileWatch()
  const shared = new Map<string, { readonly at: number; readonly found: Promise<Reconciliation> }>()
  let resumeAfter: string | undefined
  return {
    run: () =>
      runInTelemetrySpan('bursar.reconcile', {}, async (active) => {
        const page = await listPaymentsToReconcile(parts, {}, resumeAfter)
        const full = page.rows.length === MAX_RECONCILED_PER_RUN
        resumeAfter = full ? page.cursor : undefined
        const again = watch.released(parts.store.now())
        const outcomes = await inTurns(page.rows, CONCURRENCY, (payment) =>
          reconcileAndWatch(parts, watch, payment),
        )
        const late = await inTurns(again, CONCURRENCY, (payment) =>
          reconcileByProof(parts, watch, payment),
        )
        return countReconciledPayments(active, [...outcomes, ...late])
      }),
    soon: (delegation) => {
      const now = parts.store.now()
      const known = shared.get(delegation)
      if (known && now - known.at < SHARED_RUN_MS) return known.found
      const found = runInTelemetrySpan('bursar.reconcile', {}, async (active) => {
        const page = await listPaymentsToReconcile(parts, { delegation }, undefined)
        const prove = (payment: Payment) => reconcileAndWatch(parts, watch, payment)
        return countReconciledPayments(active, await inTurns(page.rows, CONCURRENCY, prove))
      })
      shared.delete(delegation)
      shared.set(delegation, { at: now, found })
      if (shared.size > MAX_SHARED_RUNS) shared.delete(`${shared.keys().next().value}`)
      return found
    },
  }
}

function listPaymentsToReconcile(
  parts: ReconcileParts,
  filter: { readonly delegation?: string },
  after: string | undefined,
): Promise<Page<Payment>> {
  const page = { after, limit: MAX_RECONCILED_PER_RUN }
  return parts.store.payments({ ...filter, states: unprovenStates }, page)
}

async function reconcileAndWatch(
  parts: ReconcileParts,
  watch: Watch,
  payment: Payment,
): Promise<Outcome> {
  const outcome = await reconcilePayment(parts, payment)
  if (outcome === 'released') watch.add(payment, parts.store.now())
  return outcome
}

function countReconciledPayments(
  active: Span,
  outcomes: readonly (Outcome | 'unchanged')[],
): Reconciliation {
  const count = (outcome: Outcome) => outcomes.filter((one) => one === outcome).length
  const found = {
    settled: count('settled'),
    released: count('released'),
    open: count('open'),
    unreachable: count('unreachable'),
  }
  active.setAttributes({
    'bursar.reconcile.settled': found.settled,
    'bursar.reconcile.released': found.released,
    'bursar.reconcile.open': found.open,
    'bursar.reconcile.unreachable': found.unreachable,
  })
  return found
}

type Outcome = Verdict['outcome'] | 'unreachable'

interface Watch {
  add(payment: Payment, now: number): void
  end(payment: Payment): void
  released(now: number): readonly Payment[]
}

/** Remembers the payments that proof has released recently, in this process. */
function createReconcileWatch(): Watch {
  const watched = new Map<string, { readonly payment: Payment; readonly until: number }>()
  return {
    add: (payment, now) => {
      watched.set(payment.id, { payment, until: now + WATCH_RELEASED_MS })
      const oldest = watched.keys().next().value
      if (watched.size > MAX_WATCHED) watched.delete(`${oldest}`)
    },
    end: ({ id }) => void watched.delete(id),
    released: (now) => {
      for (const [id, { until }] of watched) if (now >= until) watched.delete(id)
      return [...watched.values()].map(({ payment }) => payment)
    },
  }
}

/** Checks a released payment again. Only a settlement changes it: it counts as an overrun. */
async function reconcileByProof(
  parts: ReconcileParts,
  watch: Watch,
  payment: Payment,
): Promise<Outcome | 'unchanged'> {
  const verdict = await requestReconcileVerdict(parts, payment)
  if (verdict === 'unreachable' || verdict.outcome !== 'settled') return 'unchanged'
  const outcome = await concludeReconciledPayment(parts, payment, verdict)
  if (outcome === 'settled') watch.end(payment)
  return outcome
}

async function reconcilePayment(parts: ReconcileParts, payment: Payment): Promise<Outcome> {
  const verdict = await requestReconcileVerdict(parts, payment)
  if (verdict === 'unreachable') return verdict
  return verdict.outcome === 'open' ? 'open' : concludeReconciledPayment(parts, payment, verdict)
}

/** Writes a verdict. Only here does proof move a hold. */
async function concludeReconciledPayment(
  parts: ReconcileParts,
  payment: Payment,
  verdict: Exclude<Verdict, { readonly outcome: 'open' }>,
): Promise<Outcome> {
  const { evidence, outcome } = verdict
  try {
    const concluded = await parts.store.commit(
      // An archived payment no longer leads to its delegation.
      { ...scopeOfPayment(payment), delegation: payment.delegation },
      (state, now) => {
        if (!state.payment) return settleArchivedPayment(state, payment, evidence, now)
        return outcome === 'settled'
          ? settlePayment(state, evidence, now)
          : releaseProvenPayment(state, evidence, now)
      },
      'soon',
    )
    return outcome === 'released' && isUnprovenPayment(concluded) ? 'open' : outcome
  } catch (error) {
    // One payment that cannot be written must not keep the others from their proof.
    parts.warn(`conclude payment ${payment.id}`, error)
    return 'unreachable'
  }
}

async function requestReconcileVerdict(
  parts: ReconcileParts,
  payment: Payment,
): Promise<Verdict | 'unreachable'> {
  try {
    const open = describeUnreconciledPayment(parts.assets, payment)
    const rail = parts.rails.find((one) => one.name === payment.terms.rail)
    if (!rail || !open || parts.closing.aborted) return 'unreachable'
    return await withinDeadline(rail.reconcile(open), VERDICT_TIMEOUT_MS, parts.closing)
  } catch {
    // Without an answer nothing is proved: the hold stays, and the next run asks again.
    return 'unreachable'
  }
}

/** Returns a payment as rails know it, or undefined if its asset is not pinned here. */
export function describeUnreconciledPayment(
  assets: readonly Asset[],
  payment: Payment,
): OpenPayment | undefined {
  const asset = findAsset(assets, payment.terms.network, payment.terms.asset)
  if (!asset) return undefined
  return {
    paymentId: payment.id,
    terms: payment.terms,
    asset,
    payer: payment.payer,
    nonce: payment.nonce,
    validBefore: payment.validBefore,
    reservedAt: Math.floor(payment.reservedAt / 1_000),
    ...(payment.claimedTransaction === undefined
      ? {}
      : { claimedTransaction: payment.claimedTransaction }),
  }
}
