import { z } from 'zod'
import { type Bursar, type BursarOptions, createBursar } from './bursar.ts'
import { findNamedDelegation } from './facets/delegation-grant.ts'
import { type Delegation, delegationEnd } from './ledger/delegation.ts'
import type { LedgerState } from './ledger/ledger-state.ts'
import { type MerchantRule, merchantsInput } from './ledger/merchant.ts'
import { payingState } from './ledger/paying-state.ts'
import { recordedLimits } from './ledger/recorded-limits.ts'
import { formatAmount } from './money/amount.ts'
import { findWiderLimit, type LimitsInput, limitsInput, type Usage } from './money/limits.ts'
import { boundStore } from './ports/bound-store.ts'
import { railField, storeField } from './ports/port-fields.ts'
import type { Rail } from './ports/rail.ts'
import type { Store } from './ports/store.ts'
import type { Wallet } from './ports/wallet.ts'
import { canonicalJson } from './primitives/canonical-json.ts'
import { BursarError } from './primitives/errors.ts'
import { durationField, nameField, parseInputFields } from './primitives/fields.ts'
import type { PaymentSession } from './session/payment-session.ts'

/** The input of `openWallet`: a wallet, and what one agent may spend from it. */
export interface OpenWalletOptions
  extends Pick<
    BursarOptions,
    'store' | 'policies' | 'assets' | 'stablecoins' | 'development' | 'deadlineMs' | 'http'
  > {
  /** The payment protocol that the agent can pay by. */
  readonly rail: Rail
  /** The wallet that pays. */
  readonly wallet: Wallet
  /** The public name of this budget, unique for the end user and the agent. A new budget needs a new name. */
  readonly name: string
  /** The name of the agent, at most 120 characters. */
  readonly agent: string
  /** The limits over everything that is paid under this name. */
  readonly limits: LimitsInput
  /** The only merchants that may be paid, at most 200. */
  readonly merchants: readonly {
    readonly host: string
    readonly payees?: readonly string[] | undefined
  }[]
  /**
   * The end user whose money it is.
   *
   * @default 'owner'
   */
  readonly endUser?: string | undefined
  /**
   * A duration from the first start on, for example `'7d'`; at most ten years.
   *
   * @default '30d'
   */
  readonly expiresIn?: string | undefined
}

const budgetInput = z.object({
  store: storeField,
  rail: railField,
  name: nameField,
  agent: nameField,
  endUser: nameField.default('owner'),
  limits: limitsInput,
  merchants: merchantsInput,
  expiresIn: z.string().default('30d').pipe(durationField),
})

/** The parsed part of the options that says who may spend what. */
type Budget = z.output<typeof budgetInput>

/**
 * Opens a wallet for one agent of one person, and returns the session to give to the agent. It can pay within the
 * limits, and raise nothing.
 *
 * Call it at each start: the first call grants a delegation under the name and opens a session in it, and
 * each further call with this ledger finds both, with what was spent. Limits and merchants may become narrower
 * from one start to the next, and as wide again as the first time. To stop the agent for good, revoke the
 * delegation with `endUser(…).revokeDelegation` of a guard over the same store: its name stays revoked.
 *
 * The store stays yours: close it when the process ends. The guard ends with it.
 *
 * Throws `invalid_input`; `name_taken` with both values if a limit, a merchant or `expiresIn` is wider than what
 * was granted under the name; `delegation_revoked`, `delegation_expired` or `delegation_used_up` if nothing
 * more can be spent under it; `session_revoked` if its session was revoked; `instrument_unfunded` if the
 * wallet holds nothing in the limits' currency, and `wallet_unavailable` if its balance can't be read.
 *
 * @example
 * ```ts
 * import { fakeRail, fakeWallet } from '@bursar/core/testing'
 *
 * const session = await openWallet({
 *   store,
 *   rail: fakeRail(),
 *   wallet: fakeWallet(),
 *   name: 'market-data',
 *   agent: 'researcher',
 *   limits: { currency: 'USD', total: '5.00', perPayment: '0.10' },
 *   merchants: [{ host: 'api.example.com' }],
 * })
 * ```
 */
export async function openWallet(options: OpenWalletOptions): Promise<PaymentSession> {
  const budget = parseInputFields(budgetInput, options, 'openWallet')
  const { rail, wallet, policies, assets, stablecoins, development } = options
  const { deadlineMs, http } = options
  const handle = [budget.endUser, budget.agent, budget.name].join(':')
  parseInputFields(nameField, handle, 'openWallet: name, with endUser and agent')
  const bursar = createBursar({
    ...{ policies, assets, stablecoins, development, deadlineMs, http },
    store: walletWithoutClose(options.store),
    rails: [rail],
    instruments: { [handle]: { endUser: budget.endUser, wallet } },
  })
  try {
    return await openBudget(bursar, options, handle, budget)
  } catch (error) {
    await bursar.close()
    throw error
  }
}

async function openBudget(
  bursar: Bursar,
  { store, expiresIn = '30d' }: OpenWalletOptions,
  instrument: string,
  budget: Budget,
): Promise<PaymentSession> {
  const { name, agent, endUser, limits, merchants } = budget
  const found = await findNamedDelegation(store, budget)
  if (found) assertWalletWithinGrant(found, instrument, budget, store.now())
  const granted = recordedLimits(found?.limits ?? limits) as LimitsInput
  const delegation =
    found ??
    (await bursar.endUser(endUser).grantDelegation({
      ...{ agent, name, instrument, merchants, expiresIn, limits: granted },
      consent: { how: 'openWallet, in the code of the application' },
    }))
  // A session that lists merchants itself can pay for tools, too: see `PaymentSession.prove`.
  const input = {
    delegation: delegation.id,
    name,
    limits: granted,
    merchants: delegation.merchants,
  }
  const { id, token } = await bursar.management.createSession(input)
  await walletFollowCode(bursar, await store.read({ session: id }), budget)
  return bursar.openSession(token)
}

/**
 * Changes the session of a state to the limits and merchants that the code has now, if they differ. What was spent
 * in earlier sessions of the delegation, which the agent has closed, counts in the total and in the number
 * of payments. Throws `delegation_used_up` if they leave nothing.
 */
async function walletFollowCode(
  { management }: Bursar,
  loaded: LedgerState,
  budget: Budget,
): Promise<void> {
  const { session, delegation } = payingState(loaded)
  const [own, all] = [session.usage, delegation.usage]
  const earlier = all.payments - own.payments
  const payments = budget.limits.payments && budget.limits.payments - earlier
  const totalMicro =
    budget.limits.totalMicro - committedWalletMicro(all) + committedWalletMicro(own)
  if (totalMicro <= 0n || (payments ?? 1) <= 0) throw walletUsedUp(budget, all)
  const limits = recordedLimits({
    ...budget.limits,
    totalMicro,
    ...(payments === undefined ? {} : { payments }),
  })
  const code = { limits: limits as LimitsInput, merchants: budget.merchants }
  const has = { limits: recordedLimits(session.limits), merchants: session.merchants }
  if (canonicalJson(has) === canonicalJson(code)) return
  const reason = 'openWallet: the code has changed, or an earlier session was closed'
  await management.changeSession(session.id, { ...code, reason })
}

function committedWalletMicro({ settledMicro, heldMicro }: Usage): bigint {
  return settledMicro + heldMicro
}

/** Throws if nothing more can be spent under a name, or if the code allows more than was granted under it. */
function assertWalletWithinGrant(
  granted: Delegation,
  instrument: string,
  budget: Budget,
  now: number,
): void {
  const { name } = budget
  const end = delegationEnd(granted, now)
  if (end === 'delegation_revoked') throw endedWalletBudget(end, name, 'was revoked')
  if (end)
    throw endedWalletBudget(end, name, `expired at ${new Date(granted.expiresAt).toISOString()}`)
  const wider = findWiderWalletLimit(granted, instrument, budget)
  if (wider) {
    const text = `openWallet: ${wider}. The end user agreed to less for ${name}: ask again, and give it another name.`
    throw new BursarError('name_taken', text)
  }
  const { settledMicro, heldMicro, payments } = granted.usage
  const { totalMicro, payments: most = payments + 1 } = budget.limits
  if (heldMicro > 0n || (settledMicro < totalMicro && payments < most)) return
  throw walletUsedUp(budget, granted.usage)
}

function walletUsedUp({ name, limits }: Budget, usage: Usage): BursarError {
  const [spent, total] = [committedWalletMicro(usage), limits.totalMicro].map(formatAmount)
  const what = `is used up: ${spent} of ${total} ${limits.currency} in ${usage.payments} payments`
  return endedWalletBudget('delegation_used_up', name, what)
}

/** Returns a sentence with both values of the first thing that the code allows and the grant does not. */
function findWiderWalletLimit(
  granted: Delegation,
  instrument: string,
  budget: Budget,
): string | undefined {
  const { limits, createdAt, expiresAt, merchants } = granted
  const wider = findWiderLimit(budget.limits, limits)
  if (wider) return `${wider}; the code says ${JSON.stringify(recordedLimits(budget.limits))}`
  const other = budget.merchants.find((rule) => !walletCoversMerchant(merchants, rule))
  if (other) {
    return `merchants: ${JSON.stringify(other)} is not within ${JSON.stringify(merchants)}`
  }
  const end = createdAt + budget.expiresIn
  if (end !== expiresAt) {
    const [has, asked] = [expiresAt, end].map((at) => new Date(at).toISOString())
    return `expiresIn: ends at ${has}; the code says ${asked}`
  }
  return granted.instrument === instrument
    ? undefined
    : `wallet: is ${granted.instrument}; the code says ${instrument}`
}

/** Checks that a list of merchants allows everything that a rule allows. */
function walletCoversMerchant(
  granted: readonly MerchantRule[] | undefined,
  { host, payees }: MerchantRule,
): boolean {
  const rule = granted?.find((one) => one.host === host)
  if (!rule?.payees) return granted === undefined || rule !== undefined
  return payees?.every((payee) => rule.payees?.includes(payee)) ?? false
}

function endedWalletBudget(code: string, name: string, what: string): BursarError {
  const text = `openWallet: name: ${name} ${what}. If the end user agrees to another budget, give it another name.`
  return new BursarError(code, text)
}

/** Returns a store whose `close` leaves it open, because it belongs to the caller. */
function walletWithoutClose(store: Store): Store {
  return { ...boundStore(store), close: async () => undefined }
}
