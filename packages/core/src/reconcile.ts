import { type Asset, findAsset } from './asset.ts'
import { withinTime } from './instrument.ts'
import type { Payment } from './payment.ts'
import type { OpenPayment, Rail, Verdict } from './rail.ts'
import type { Store } from './store.ts'
import { span } from './telemetry.ts'
import { releaseProven, settle } from './transition.ts'

/** What one run of reconciling found. */
export interface Reconciliation {
  readonly settled: number
  readonly released: number
  /** Payments whose outcome cannot be proved yet. */
  readonly open: number
  /** Payments whose rail could not be asked; their holds stay. */
  readonly unreachable: number
}

/** Most payments that one run asks the rails about; the next run goes on behind them. */
export const MAX_RECONCILED_PER_RUN = 200

/** How many payments are asked about at the same time. */
const CONCURRENCY = 8

/** A rail that does not answer in this time is asked again in the next run. */
const VERDICT_TIMEOUT_MS = 20_000

/** Which payments a run is about. */
export interface ReconcileFilter {
  readonly delegation?: string
  readonly session?: string
}

/** What reconciling needs to know of a guard. */
export interface ReconcileParts {
  readonly store: Store
  readonly rails: readonly Rail[]
  readonly assets: readonly Asset[]
}

/** Turns claims and doubts into proof. Only here does a signed payment's hold end. */
export interface Reconciler {
  /** Asks the rails about what is unproven. Runs at the same time are harmless. */
  run(filter?: ReconcileFilter): Promise<Reconciliation>
}

const unproven = ['reserved', 'signed', 'claimed', 'in_doubt'] as const

export function createReconciler(parts: ReconcileParts): Reconciler {
  let resumeAfter: string | undefined
  return {
    run: (filter = {}) =>
      span('bursar.reconcile', {}, async (active) => {
        const whole = filter.delegation === undefined && filter.session === undefined
        const after = whole ? resumeAfter : undefined
        const page = await parts.store.payments(
          { ...filter, states: unproven },
          { after, limit: MAX_RECONCILED_PER_RUN },
        )
        if (whole) resumeAfter = page.cursor
        const outcomes = await inTurns(page.rows, (payment) => prove(parts, payment))
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
      }),
  }
}

type Outcome = Verdict['outcome'] | 'unreachable'

async function prove(parts: ReconcileParts, payment: Payment): Promise<Outcome> {
  const verdict = await ask(parts, payment)
  if (verdict === 'unreachable') return verdict
  if (verdict.outcome === 'open') return 'open'
  const scope = { payment: payment.id, host: payment.terms.host }
  const { evidence, outcome } = verdict
  await parts.store.commit(
    scope,
    (state, now) =>
      outcome === 'settled' ? settle(state, evidence, now) : releaseProven(state, evidence, now),
    'soon',
  )
  return outcome
}

async function ask(parts: ReconcileParts, payment: Payment): Promise<Verdict | 'unreachable'> {
  try {
    const open = openPayment(parts, payment)
    const rail = parts.rails.find((one) => one.name === payment.terms.rail)
    if (!rail || !open) return 'unreachable'
    return await withinTime(rail.reconcile(open), VERDICT_TIMEOUT_MS)
  } catch {
    // A rail that cannot be asked proves nothing: the hold stays, and the next run asks again.
    return 'unreachable'
  }
}

function openPayment(parts: ReconcileParts, payment: Payment): OpenPayment | undefined {
  const asset = findAsset(parts.assets, payment.terms.network, payment.terms.asset)
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

async function inTurns<Row, Result>(
  rows: readonly Row[],
  run: (row: Row) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let start = 0; start < rows.length; start += CONCURRENCY) {
    results.push(...(await Promise.all(rows.slice(start, start + CONCURRENCY).map(run))))
  }
  return results
}
