import type { Span } from '@opentelemetry/api'
import type { Reconciler, Reconciliation } from '../guard/reconciler.ts'
import { span } from '../guard/telemetry.ts'
import { type Payment, unprovenStates } from '../ledger/payment.ts'
import { type Asset, findAsset } from '../money/asset.ts'
import type { OpenPayment, Rail, Verdict } from '../ports/rail.ts'
import type { Page, Store } from '../ports/store.ts'
import { withinDeadline } from '../primitives/deadline.ts'
import { inTurns } from '../primitives/in-turns.ts'
import { settledArchived } from '../rules/archived-overrun.ts'
import { releaseProven, scopeOfPayment, settle } from '../rules/payment-transitions.ts'

/** Most payments that one run asks the rails about; the next run goes on behind them. */
export const MAX_RECONCILED_PER_RUN = 200

/** How many payments are asked about at the same time. */
const CONCURRENCY = 8

/** A rail that does not answer in this time is asked again in the next run. */
const VERDICT_TIMEOUT_MS = 20_000

/** What reconciling needs to know of a guard. */
export interface ReconcileParts {
  readonly store: Store
  readonly rails: readonly Rail[]
  readonly assets: readonly Asset[]
  /** Tells the operator of a verdict that could not be written; the next run tries again. */
  readonly warn: (what: string, error: unknown) => void
  /** Aborted when the guard closes: no rail is asked any more, and none is waited for. */
  readonly closing: AbortSignal
}

/** How long one run for a delegation serves everybody who asks for one. */
const SHARED_RUN_MS = 2_000

/** Delegations whose last run is remembered; the oldest are forgotten beyond it. */
const MAX_SHARED_RUNS = 1_000

/** Proof rests on finality, and finality has failed before: what was released is asked about again. */
const WATCH_RELEASED_MS = 3_600_000

/** Released payments that are watched at the same time; the oldest give way. */
const MAX_WATCHED = 1_000

export function createReconciler(parts: ReconcileParts): Reconciler {
  const watch = createWatch()
  const shared = new Map<string, { readonly at: number; readonly found: Promise<Reconciliation> }>()
  let resumeAfter: string | undefined
  return {
    run: () =>
      span('bursar.reconcile', {}, async (active) => {
        const page = await unprovenOf(parts, {}, resumeAfter)
        const full = page.rows.length === MAX_RECONCILED_PER_RUN
        resumeAfter = full ? page.cursor : undefined
        const again = watch.released(parts.store.now())
        const outcomes = await inTurns(page.rows, CONCURRENCY, (payment) =>
          proveAndWatch(parts, watch, payment),
        )
        const late = await inTurns(again, CONCURRENCY, (payment) =>
          proveAgain(parts, watch, payment),
        )
        return counted(active, [...outcomes, ...late])
      }),
    soon: (delegation) => {
      const now = parts.store.now()
      const known = shared.get(delegation)
      if (known && now - known.at < SHARED_RUN_MS) return known.found
      const found = span('bursar.reconcile', {}, async (active) => {
        const page = await unprovenOf(parts, { delegation }, undefined)
        const prove = (payment: Payment) => proveAndWatch(parts, watch, payment)
        return counted(active, await inTurns(page.rows, CONCURRENCY, prove))
      })
      shared.delete(delegation)
      shared.set(delegation, { at: now, found })
      if (shared.size > MAX_SHARED_RUNS) shared.delete(`${shared.keys().next().value}`)
      return found
    },
  }
}

function unprovenOf(
  parts: ReconcileParts,
  filter: { readonly delegation?: string },
  after: string | undefined,
): Promise<Page<Payment>> {
  const page = { after, limit: MAX_RECONCILED_PER_RUN }
  return parts.store.payments({ ...filter, states: unprovenStates }, page)
}

async function proveAndWatch(
  parts: ReconcileParts,
  watch: Watch,
  payment: Payment,
): Promise<Outcome> {
  const outcome = await prove(parts, payment)
  if (outcome === 'released') watch.add(payment, parts.store.now())
  return outcome
}

function counted(active: Span, outcomes: readonly (Outcome | 'unchanged')[]): Reconciliation {
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

/** Remembers, in this process, what proof has released of late. */
function createWatch(): Watch {
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

/** Only a settlement is news for a released payment: then it is an overrun. */
async function proveAgain(
  parts: ReconcileParts,
  watch: Watch,
  payment: Payment,
): Promise<Outcome | 'unchanged'> {
  const verdict = await ask(parts, payment)
  if (verdict === 'unreachable' || verdict.outcome !== 'settled') return 'unchanged'
  const outcome = await conclude(parts, payment, verdict)
  if (outcome === 'settled') watch.end(payment)
  return outcome
}

async function prove(parts: ReconcileParts, payment: Payment): Promise<Outcome> {
  const verdict = await ask(parts, payment)
  if (verdict === 'unreachable') return verdict
  return verdict.outcome === 'open' ? 'open' : conclude(parts, payment, verdict)
}

/** Only proof moves a hold, and this is where it does. */
async function conclude(
  parts: ReconcileParts,
  payment: Payment,
  verdict: Exclude<Verdict, { readonly outcome: 'open' }>,
): Promise<Outcome> {
  const { evidence, outcome } = verdict
  try {
    await parts.store.commit(
      // An archived payment leads to no delegation any more.
      { ...scopeOfPayment(payment), delegation: payment.delegation },
      (state, now) => {
        if (!state.payment) return settledArchived(state, payment, evidence, now)
        return outcome === 'settled'
          ? settle(state, evidence, now)
          : releaseProven(state, evidence, now)
      },
      'soon',
    )
    return outcome
  } catch (error) {
    // One payment that cannot be concluded must not keep the others from their proof.
    parts.warn(`conclude payment ${payment.id}`, error)
    return 'unreachable'
  }
}

async function ask(parts: ReconcileParts, payment: Payment): Promise<Verdict | 'unreachable'> {
  try {
    const open = openPayment(parts.assets, payment)
    const rail = parts.rails.find((one) => one.name === payment.terms.rail)
    if (!rail || !open || parts.closing.aborted) return 'unreachable'
    return await withinDeadline(rail.reconcile(open), VERDICT_TIMEOUT_MS, parts.closing)
  } catch {
    // A rail that cannot be asked proves nothing: the hold stays, and the next run asks again.
    return 'unreachable'
  }
}

/** What a rail has to know of a payment; `undefined` if its asset is not pinned here. */
export function openPayment(assets: readonly Asset[], payment: Payment): OpenPayment | undefined {
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
