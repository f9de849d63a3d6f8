import type { Guard } from '../guard/guard.ts'
import { type Payment, type PaymentState, unprovenStates } from '../ledger/payment.ts'
import { formatAmount } from '../money/amount.ts'
import { MAX_PAGE, type Store } from '../ports/store.ts'
import type { Money } from '../session/pay-result.ts'

/** The money that can still move without a new reservation: reserved, signed, claimed or in doubt. */
export interface Exposure {
  readonly payments: readonly ExposedPayment[]
  /** The most that can still move, one amount for each currency. */
  readonly most: readonly Money[]
  /** The block chain's time from which on none of the exposed money can move. ISO 8601, UTC. */
  readonly until?: string
  /**
   * False if there are more than `MAX_EXPOSED` unproven payments to look through: then `most` may be too
   * little. For a session, all payments of its delegation are looked through.
   */
  readonly complete: boolean
}

/** A payment that can still move. */
export interface ExposedPayment extends Money {
  readonly id: string
  readonly session: string
  readonly delegation: string
  readonly state: PaymentState
  readonly merchant: string
  readonly payee: string
  /** The end of its validity by the block chain's time. ISO 8601, UTC. */
  readonly until: string
  /** Whether `cancel` can ask for its cancellation: the rail can, and the wallet is in this process. */
  readonly cancellable: boolean
}

/** The accounts whose exposure is read. A session includes the sessions below it. */
export interface ExposureFilter {
  readonly session?: string
  readonly delegation?: string
  readonly endUser?: string
}

/** The most payments that one answer looks through: people would not look through more. */
export const MAX_EXPOSED = 10_000

/** Reads the unproven payments of an account, and sums them up. */
export async function readExposure(guard: Guard, filter: ExposureFilter): Promise<Exposure> {
  const payments: Payment[] = []
  const { within, isWithin } = await readExposureScope(guard.store, filter)
  let after: string | undefined
  let read = 0
  do {
    const page = await guard.store.payments(
      { ...within, states: unprovenStates },
      { after, limit: MAX_PAGE },
    )
    for (const payment of page.rows) if (await isWithin(payment)) payments.push(payment)
    after = page.cursor
    read += page.rows.length
  } while (after !== undefined && read < MAX_EXPOSED)
  const latest = Math.max(...payments.map(({ validBefore }) => validBefore))
  return {
    payments: payments.map((payment) => describeExposedPayment(guard, payment)),
    most: sumExposureByCurrency(payments),
    ...(payments.length === 0 ? {} : { until: new Date(latest * 1_000).toISOString() }),
    complete: after === undefined,
  }
}

/** Returns the filter of a target. Payments of a session are also those of the sessions below it. */
async function readExposureScope(
  store: Store,
  { session: top, ...owner }: ExposureFilter,
): Promise<{ within: ExposureFilter; isWithin: (payment: Payment) => Promise<boolean> }> {
  if (top === undefined) return { within: owner, isWithin: async () => true }
  const { session } = await store.read({ session: top })
  const known = new Map<string, boolean>([[top, true]])
  return {
    within: session ? { delegation: session.delegation, ...owner } : { ...owner, session: top },
    async isWithin({ session: id }) {
      const found = known.get(id) ?? (await isBelowExposedScope(store, id, top))
      known.set(id, found)
      return found
    },
  }
}

async function isBelowExposedScope(store: Store, id: string, top: string): Promise<boolean> {
  const { ancestors } = await store.read({ session: id })
  return ancestors.some((one) => one.id === top)
}

/** Checks whether this guard can ask for the payment's cancellation. */
function isCancellableExposure(guard: Guard, { terms, instrument }: Payment): boolean {
  const rail = guard.rails.find((one) => one.name === terms.rail)
  const isKnown = guard.instruments.get(instrument) !== undefined
  return isKnown && rail?.cancelNetworks.includes(terms.network) === true
}

function describeExposedPayment(guard: Guard, payment: Payment): ExposedPayment {
  const { id, session, delegation, state, terms, validBefore } = payment
  return {
    id,
    session,
    delegation,
    state,
    amount: formatAmount(terms.amountMicro),
    currency: terms.currency,
    merchant: terms.host,
    payee: terms.payee,
    until: new Date(validBefore * 1_000).toISOString(),
    cancellable: isCancellableExposure(guard, payment),
  }
}

function sumExposureByCurrency(payments: readonly Payment[]): Money[] {
  const byCurrency = new Map<string, bigint>()
  for (const { terms } of payments) {
    const { currency, amountMicro } = terms
    byCurrency.set(currency, (byCurrency.get(currency) ?? 0n) + amountMicro)
  }
  return [...byCurrency].map(([currency, micro]) => ({ amount: formatAmount(micro), currency }))
}
