import type { Guard } from '../guard/guard.ts'
import { type Payment, type PaymentState, unprovenStates } from '../ledger/payment.ts'
import { formatAmount } from '../money/amount.ts'
import { MAX_PAGE, type Store } from '../ports/store.ts'
import type { Money } from '../session/pay-result.ts'

/** What can still move, although nothing new may be reserved: reserved, signed, claimed or doubted. */
export interface Exposure {
  readonly payments: readonly ExposedPayment[]
  /** The most that can still move, one amount a currency. */
  readonly most: readonly Money[]
  /** ISO 8601, UTC: from then on, by the chain's time, nothing of it can move any more. */
  readonly until?: string
  /**
   * False where there may be more payments than one answer looks through, those of the whole delegation
   * for a session: then `most` may be too little.
   */
  readonly complete: boolean
}

export interface ExposedPayment extends Money {
  readonly id: string
  readonly session: string
  readonly delegation: string
  readonly state: PaymentState
  readonly merchant: string
  readonly payee: string
  /** ISO 8601, UTC, by the chain's time. */
  readonly until: string
  /** Whether `cancel` can ask for it here: the rail has a way, and the wallet is in this process. */
  readonly cancellable: boolean
}

/** Whose exposure; of a session, with all below it. */
export interface ExposureFilter {
  readonly session?: string
  readonly delegation?: string
  readonly endUser?: string
}

/** Payments that one answer looks through: more are not looked through by people, either. */
export const MAX_EXPOSED = 10_000

/** Reads what is unproven. */
export async function exposureOf(guard: Guard, filter: ExposureFilter): Promise<Exposure> {
  const payments: Payment[] = []
  const { within, isWithin } = await scopeOf(guard.store, filter)
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
    payments: payments.map((payment) => exposed(guard, payment)),
    most: sums(payments),
    ...(payments.length === 0 ? {} : { until: new Date(latest * 1_000).toISOString() }),
    complete: after === undefined,
  }
}

/** A session's payments are also those of the sessions below it, all of them in its delegation. */
async function scopeOf(
  store: Store,
  { session: top, ...owner }: ExposureFilter,
): Promise<{ within: ExposureFilter; isWithin: (payment: Payment) => Promise<boolean> }> {
  if (top === undefined) return { within: owner, isWithin: async () => true }
  const { session } = await store.read({ session: top })
  const known = new Map<string, boolean>([[top, true]])
  return {
    within: session ? { delegation: session.delegation, ...owner } : { ...owner, session: top },
    async isWithin({ session: id }) {
      const found = known.get(id) ?? (await isBelow(store, id, top))
      known.set(id, found)
      return found
    },
  }
}

async function isBelow(store: Store, id: string, top: string): Promise<boolean> {
  const { ancestors } = await store.read({ session: id })
  return ancestors.some((one) => one.id === top)
}

/** Whether this guard has all that it takes to ask for a cancellation. */
function isCancellable(guard: Guard, { terms, instrument }: Payment): boolean {
  const rail = guard.rails.find((one) => one.name === terms.rail)
  const isKnown = guard.instruments.get(instrument) !== undefined
  return isKnown && rail?.cancelNetworks.includes(terms.network) === true
}

function exposed(guard: Guard, payment: Payment): ExposedPayment {
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
    cancellable: isCancellable(guard, payment),
  }
}

function sums(payments: readonly Payment[]): Money[] {
  const byCurrency = new Map<string, bigint>()
  for (const { terms } of payments) {
    const { currency, amountMicro } = terms
    byCurrency.set(currency, (byCurrency.get(currency) ?? 0n) + amountMicro)
  }
  return [...byCurrency].map(([currency, micro]) => ({ amount: formatAmount(micro), currency }))
}
