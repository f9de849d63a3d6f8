import type { Bursar, LimitsInput, PaymentSession } from '@bursar/core'
import type { Volley } from './volley.ts'

/** A race of many payers for one limit, session or payment. */
export interface Contest {
  readonly name: string
  /** The exact number of payments that must succeed. */
  readonly payments: number
  /** The codes with which the other payers may be refused. */
  readonly refusals: readonly string[]
  /** The sessions whose status has to show the payments, those below them included. */
  readonly sessions: readonly PaymentSession[]
  /** Returns the call of the payer with this number. */
  readonly shot: (payer: number) => Volley[number]
}

/** The price of everything in a race, in cents of a dollar. */
const PRICE_CENTS = 1

/** The kinds of budgets for an exact number of payments, and the refusals when one is used up. */
const budgets: readonly {
  readonly name: string
  readonly refusals: readonly string[]
  /** The number of sessions that share the budget. */
  readonly sessions: number
  readonly limits: (payments: number) => LimitsInput
  readonly delegation: (payments: number) => LimitsInput
}[] = [
  {
    name: 'total of the session',
    refusals: ['session_limit_exceeded'],
    sessions: 1,
    limits: (payments) => ({ currency: 'USD', total: dollars(payments) }),
    delegation: () => ample,
  },
  {
    name: 'number of payments',
    refusals: ['payment_count_exceeded'],
    sessions: 1,
    limits: (payments) => ({ ...ample, payments }),
    delegation: () => ample,
  },
  {
    name: 'amount in an hour',
    refusals: ['window_limit_exceeded'],
    sessions: 1,
    limits: (payments) => ({ ...ample, windows: [{ per: 'hour', amount: dollars(payments) }] }),
    delegation: () => ample,
  },
  {
    name: 'total of the delegation',
    // One of the two sessions may have spent the whole total.
    refusals: ['delegation_limit_exceeded', 'session_limit_exceeded'],
    sessions: 2,
    limits: (payments) => ({ currency: 'USD', total: dollars(payments) }),
    delegation: (payments) => ({ currency: 'USD', total: dollars(payments) }),
  },
]

/**
 * The further code for calls that share one payment: another process may prove the payment before the
 * paying process has recorded the claim. The paying call itself still returns the resource.
 */
const unheard = ['undelivered']

const ample: LimitsInput = { currency: 'USD', total: '1000.00' }

/**
 * Creates the contests of one round. The round decides the kind of budget, its size, and the payers
 * of each resource. With a `payer`, the sessions are bound to that credential.
 */
export async function contestsOf(
  bursar: Bursar,
  round: number,
  payers: number,
  payer?: string,
): Promise<readonly Contest[]> {
  // The sizes go from one payment to one less than the payers: a budget for all would be no
  // contest.
  const fitting = 1 + ((round * 29) % (payers - 1))
  const own = await openRoots(bursar, round, fitting, payer)
  const family = await openRoots(bursar, round, fitting, payer)
  const below = await openFamily(family)
  const twin = await openRoots(bursar, 0, payers, payer)
  const keyed = await openRoots(bursar, 0, payers, payer)
  return [
    {
      name: `each a request of its own, ${own.budget.name}`,
      payments: fitting,
      refusals: own.budget.refusals,
      sessions: own.sessions,
      shot: (payer) => ({
        token: nth(own.tokens, payer),
        url: resource(`own-${round}-${payer}`),
      }),
    },
    {
      name: `parent and children, ${family.budget.name}`,
      payments: fitting,
      refusals: family.budget.refusals,
      sessions: family.sessions,
      shot: (payer) => ({
        token: nth([...family.tokens, ...below], payer),
        url: resource(`family-${round}-${payer}`),
      }),
    },
    {
      name: 'the same request',
      payments: 1,
      refusals: ['duplicate_open', ...unheard],
      sessions: twin.sessions,
      shot: () => ({ token: nth(twin.tokens, 0), url: resource(`twin-${round}`) }),
    },
    {
      name: 'the same key',
      payments: 1,
      refusals: ['in_progress', 'duplicate_open', ...unheard],
      sessions: keyed.sessions,
      shot: () => ({
        token: nth(keyed.tokens, 0),
        url: resource(`keyed-${round}`),
        call: { conversation: 'race', id: `${round}` },
      }),
    },
  ]
}

async function openRoots(bursar: Bursar, round: number, payments: number, payer?: string) {
  const budget = nth(budgets, round)
  const delegation = await bursar.endUser('alice').grantDelegation({
    agent: 'racer',
    instrument: 'alice-wallet',
    expiresIn: '1d',
    limits: budget.delegation(payments),
    merchants: [{ host: HOST }],
    consent: { how: 'test' },
  })
  const limits = budget.limits(payments)
  const tokens: string[] = []
  while (tokens.length < budget.sessions) {
    const input = { delegation: delegation.id, expiresIn: '1h', limits, payer }
    tokens.push((await bursar.management.createSession(input)).token)
  }
  return {
    budget,
    limits,
    tokens,
    sessions: tokens.map((token) => bursar.openSession(token, { payer })),
  }
}

/**
 * Creates two children and a grandchild with the parent's limits, so that the shared budget binds.
 */
async function openFamily(roots: { sessions: PaymentSession[]; limits: LimitsInput }) {
  const input = { limits: roots.limits, expiresIn: '30m' }
  const root = nth(roots.sessions, 0)
  const [child, sibling] = [await root.openChild(input), await root.openChild(input)]
  const grandchild = await child.session.openChild({ ...input, expiresIn: '20m' })
  return [child.token, sibling.token, grandchild.token]
}

/** Returns an item by its index, starting over after the last. */
function nth<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length]
  if (item === undefined) throw new Error('There are none.')
  return item
}

const HOST = 'shop.example'

function resource(path: string): string {
  return `https://${HOST}/${path}`
}

export function dollars(payments: number): string {
  return ((payments * PRICE_CENTS) / 100).toFixed(2)
}
