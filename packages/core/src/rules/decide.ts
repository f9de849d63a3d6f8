import { accountRows, mapAccounts, spendableAccountMicro } from '../ledger/accounts.ts'
import { type Approval, asksForApproval } from '../ledger/approval.ts'
import {
  type Denial,
  type DenialCode,
  type DenialFacts,
  deny,
  firstDenial,
} from '../ledger/denial.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { KnownMerchant, MerchantRule } from '../ledger/merchant.ts'
import { type PayingState, payingState } from '../ledger/paying-state.ts'
import type { KeyRecord, Payment, Terms } from '../ledger/payment.ts'
import { formatAmount, parseAmount } from '../money/amount.ts'
import { addHoldToLimits } from '../money/limits.ts'
import type { PolicyDecision } from '../ports/policy.ts'
import { findAccountEnd } from './account-end.ts'
import { askForApproval, denyApprovalQuestion, isApprovedDecision } from './approval-decision.ts'
import { findEarlierAnswer, MAX_REFUSALS_PER_KEY, recordEarlierAnswer } from './earlier-answer.ts'
import { findLimitDenials } from './limit-denials.ts'
import { countMerchant, findPinnedMerchant } from './merchant-count.ts'
import { evaluateIntentByPolicies, policyObservationEvents } from './policy-evaluation.ts'
import {
  createReservedPayment,
  type Intent,
  reservationApprovalEvent,
  reservationEvent,
  reservationPinKey,
  useApprovalForReservation,
} from './reservation.ts'

/**
 * The pure heart: it maps ledger state, intent and time to a decision, without await, clock, random or
 * I/O. The shell runs it inside the store's commit, on the newest state, under the store's locks.
 */

/** The number of payments in doubt or undelivered at a host, in a delegation, from which on the next one there asks. */
const MAX_TROUBLED_PAYMENTS = 3

/** A decision about an intent. */
export type Decision =
  | { readonly kind: 'reserved'; readonly payment: Payment; readonly remainingMicro: bigint }
  | { readonly kind: 'denied'; readonly denial: Denial; readonly remainingMicro: bigint }
  | {
      readonly kind: 'asked'
      readonly approval: Approval
      readonly denial: Denial
      readonly remainingMicro: bigint
    }
  | { readonly kind: 'replayed'; readonly payment: Payment }

/** Returns a refusal if a list of the session, an ancestor or the delegation leaves the host out. */
export function decideHost(
  state: PayingState,
  { host, isDialled }: { readonly host: string; readonly isDialled: boolean },
): Denial | undefined {
  const { session, delegation } = state
  // An undialled host is the caller's word alone, so only payees that the session lists count.
  if (!isDialled && !session.merchants?.some((rule) => rule.host === host && rule.payees)) {
    return deny('merchant_not_allowed', { host, cause: 'not dialled, and no payees are listed' })
  }
  const lists = [session, ...state.ancestors, delegation].map((one) => one.merchants)
  const named = lists.every((list) => !list || list.some((rule) => rule.host === host))
  return named ? undefined : deny('merchant_not_allowed', { host })
}

/** Decides about an intent, and returns the rows and records of that decision for step 6's commit. */
export function decidePayment(loaded: LedgerState, intent: Intent, now: number): Change<Decision> {
  const state = payingState(loaded)
  const { requestHash: hash, amountMicro } = intent.terms
  const known = findEarlierAnswer(state, { hash, key: intent.key, amountMicro }, now)
  if (known?.kind === 'payment') return recordReplayDecision(state, intent, known.payment, now)
  const ended = findAccountEnd(state, now)
  const earlierDenial = firstDenial([ended, known?.denial].filter((one) => one !== undefined))
  if (earlierDenial) return recordDecision(state, intent, earlierDenial, now)
  const judgement = evaluateIntentByPolicies(state, intent, {
    at: now,
    remainingMicro: spendableAccountMicro(state),
    knownMerchant: isKnownMerchant(state, intent.terms),
  })
  const change = recordDecision(
    state,
    intent,
    decideDenial(state, intent, judgement.decision, now),
    now,
  )
  return {
    ...change,
    events: [...change.events, ...policyObservationEvents(state, intent, judgement)],
  }
}

function recordDecision(
  state: PayingState,
  intent: Intent,
  denial: Denial | undefined,
  now: number,
): Change<Decision> {
  if (!denial) return recordReservationDecision(state, intent, now)
  return denial.code === 'approval_required'
    ? recordQuestionDecision(state, intent, denial, now)
    : recordDenialDecision(state, intent, denial)
}

/** Returns the row of a refused key, or none if the call has no key or its key is pinned to a payment. */
export function countDecidedRefusal(
  state: LedgerState,
  request: { readonly hash: string; readonly key?: string | undefined },
  denial: Denial,
): readonly KeyRecord[] {
  const { session, key: known } = state
  if (!session || request.key === undefined || known?.payment !== undefined) return []
  return [
    {
      session: session.id,
      key: request.key,
      requestHash: request.hash,
      refusals: countDecidedRefusals(known?.refusals ?? 0, denial),
      lastRefusal: denial,
    },
  ]
}

/** The codes of refusals that may pass in a moment. They do not use up a key's attempts. */
const passingCodes: readonly DenialCode[] = [
  'approval_required',
  'duplicate_open',
  'request_rate_exceeded',
  'network_unavailable',
]

/**
 * Counts a refusal. After a human's denial, or an expired approval, the key allows no more
 * attempts.
 */
function countDecidedRefusals(before: number, { code }: Denial): number {
  if (passingCodes.includes(code)) return before
  const isFinal = code === 'approval_denied' || code === 'approval_expired'
  return isFinal ? MAX_REFUSALS_PER_KEY : before + 1
}

/** Checks every rule over the terms. Returns the refusal that comes first in the order of precedence. */
function decideDenial(
  state: PayingState,
  intent: Intent,
  policy: PolicyDecision,
  now: number,
): Denial | undefined {
  const { terms, maxMicro } = intent
  const facts = decisionFacts(intent)
  const rules = decidePayee(state, terms, facts)
  const denials: (Denial | undefined)[] = [
    decideHost(state, { host: terms.host, isDialled: intent.isDialled }),
    rules,
    policy.effect === 'deny'
      ? deny('policy_denied', { ...facts, cause: policy.reason })
      : undefined,
    policy.effect === 'ask'
      ? deny('approval_required', { ...facts, cause: policy.reason })
      : undefined,
    maxMicro !== undefined && terms.amountMicro > maxMicro
      ? deny('payment_limit_exceeded', { ...facts, limitMicro: maxMicro, cause: 'maxAmount' })
      : undefined,
    ...checkAskRules(state, terms, facts),
    decideClaimedHostQuestion(state, intent, facts),
    decideTroubledHostQuestion(state, facts),
    ...findLimitDenials(state, terms, now),
    decideFunds(intent, facts),
  ]
  const agreed = isApprovedDecision(state, now)
  return firstDenial(
    denials
      .filter((denial) => denial !== undefined)
      .filter(({ code }) => code !== 'approval_required' || !agreed),
  )
}

/** Returns a question for each account whose `ask` rule wants one. */
function checkAskRules(state: PayingState, terms: Terms, facts: DenialFacts): Denial[] {
  const { session, delegation } = state
  const known = isKnownMerchant(state, terms)
  return [session, ...state.ancestors, delegation].flatMap((one) => {
    const reason = asksForApproval(one.ask, parseAmount, terms, known)
    return reason ? [deny('approval_required', { ...facts, cause: `${one.id}: ${reason}` })] : []
  })
}

function decidePayee(state: PayingState, terms: Terms, facts: DenialFacts): Denial | undefined {
  const { session, delegation } = state
  for (const one of [session, ...state.ancestors, delegation]) {
    const payees = one.merchants?.find((rule) => rule.host === terms.host)?.payees
    if (payees && !payees.includes(terms.payee)) {
      return deny('merchant_not_allowed', { ...facts, cause: `payee ${terms.payee} of ${one.id}` })
    }
  }
  return decideMerchantQuestion(
    delegation.merchants,
    findPinnedMerchant(state.merchant),
    terms,
    facts,
  )
}

/** Returns a question where the delegation does not say who is paid: a new merchant, or a new payee. */
function decideMerchantQuestion(
  rules: readonly MerchantRule[] | undefined,
  known: KnownMerchant | undefined,
  terms: Terms,
  facts: DenialFacts,
): Denial | undefined {
  if (rules?.find((rule) => rule.host === terms.host)?.payees) return undefined
  if (known) {
    return known.payee === terms.payee
      ? undefined
      : deny('approval_required', { ...facts, cause: `payee ${terms.payee}, not ${known.payee}` })
  }
  return rules
    ? undefined
    : deny('approval_required', { ...facts, cause: `first payment to payee ${terms.payee}` })
}

/**
 * Asks about the first payment to a merchant whose challenge names another host, unless the end user
 * has listed the payees that may be paid there: the challenge may be that of an honest shop, relayed.
 */
function decideClaimedHostQuestion(
  state: PayingState,
  { claimedHost, terms }: Intent,
  facts: DenialFacts,
): Denial | undefined {
  const rule = state.delegation.merchants?.find(({ host }) => host === terms.host)
  if (claimedHost === undefined || rule?.payees || isKnownMerchant(state, terms)) return undefined
  return deny('approval_required', { ...facts, cause: `the seller says it is ${claimedHost}` })
}

/**
 * Asks about a host where payments of the delegation are in doubt, or paid and not delivered: an agent
 * that buys there again and again would empty its budget for nothing.
 */
function decideTroubledHostQuestion(
  { merchant }: PayingState,
  facts: DenialFacts,
): Denial | undefined {
  if (merchant === undefined || merchant.troubled < MAX_TROUBLED_PAYMENTS) return undefined
  const cause = `${merchant.troubled} payments there are in doubt or were not delivered`
  return deny('approval_required', { ...facts, cause })
}

/** Checks whether the payee was paid before. A new payee at a known host is a new merchant. */
function isKnownMerchant(state: PayingState, terms: Terms): boolean {
  return findPinnedMerchant(state.merchant)?.payee === terms.payee
}

function decideFunds(intent: Intent, facts: DenialFacts): Denial | undefined {
  const { balanceAtomic, terms, payer, unread } = intent
  if (balanceAtomic === undefined) {
    const { code = 'wallet_unavailable', cause = `the balance of ${payer} is not known` } =
      unread ?? {}
    return deny(code, { ...facts, cause })
  }
  if (balanceAtomic >= terms.atomic) return undefined
  const cause = `${payer} holds ${balanceAtomic} of ${terms.atomic} atomic units`
  return deny('insufficient_funds', { ...facts, cause })
}

function recordDenialDecision(
  state: PayingState,
  intent: Intent,
  denial: Denial,
): Change<Decision> {
  const { session, delegation } = state
  const { terms, key, ignoredArguments } = intent
  return {
    result: { kind: 'denied', denial, remainingMicro: spendableAccountMicro(state) },
    keys: countDecidedRefusal(state, { hash: terms.requestHash, key }, denial),
    events: [
      {
        type: 'payment-denied',
        session: session.id,
        delegation: delegation.id,
        code: denial.code,
        detail: denial.detail,
        requestHash: terms.requestHash,
        host: terms.host,
        path: intent.path,
        amount: formatAmount(terms.amountMicro),
        currency: terms.currency,
        payee: terms.payee,
        purpose: intent.purpose,
        ...(intent.claimedHost === undefined ? {} : { claimedHost: intent.claimedHost }),
        ...(ignoredArguments.length === 0 ? {} : { ignoredArguments }),
      },
    ],
  }
}

function recordReplayDecision(
  state: PayingState,
  { key, terms }: Intent,
  payment: Payment,
  now: number,
): Change<Decision> {
  const recorded = recordEarlierAnswer(state, { hash: terms.requestHash, key }, payment, now)
  return { ...recorded, result: { kind: 'replayed', payment } }
}

function recordQuestionDecision(
  state: PayingState,
  intent: Intent,
  denial: Denial,
  now: number,
): Change<Decision> {
  const asking = askForApproval(state, intent, denial.detail, now)
  if (asking.kind !== 'waiting')
    return recordDenialDecision(state, intent, denyApprovalQuestion(asking))
  const { approval } = asking
  const result = {
    kind: 'asked',
    approval,
    denial,
    remainingMicro: spendableAccountMicro(state),
  } as const
  if (!asking.isNew) return { result, events: [] }
  const { id, session, root, delegation, endUser, termsHash, key, card, reason } = approval
  return {
    result,
    approvals: [approval],
    keys: countDecidedRefusal(state, { hash: intent.terms.requestHash, key }, denial),
    events: [
      {
        type: 'approval-requested',
        approval: id,
        session,
        root,
        delegation,
        endUser,
        termsHash,
        ...(key === undefined ? {} : { key }),
        card,
        reason,
        expiresAt: approval.expiresAt,
      },
    ],
  }
}

function recordReservationDecision(
  state: PayingState,
  intent: Intent,
  now: number,
): Change<Decision> {
  const { session } = state
  const payment = createReservedPayment(state, intent, now)
  const { amountMicro } = intent.terms
  const accounts = mapAccounts(state, intent.terms, (limits, usage) =>
    addHoldToLimits(limits, usage, amountMicro, now),
  )
  const after: PayingState = { ...state, ...accounts }
  const used = useApprovalForReservation(state, payment, now)
  return {
    result: { kind: 'reserved', payment, remainingMicro: spendableAccountMicro(after) },
    ...accountRows(accounts),
    payments: [payment],
    ...countMerchant(state.merchant, undefined, payment),
    keys: reservationPinKey(
      session,
      { hash: intent.terms.requestHash, key: intent.key },
      payment.id,
    ),
    ...(used ? { approvals: [used] } : {}),
    events: [
      reservationEvent(after, payment, intent),
      ...(used ? [reservationApprovalEvent(used, payment)] : []),
    ],
  }
}

function decisionFacts(intent: Intent): DenialFacts {
  const { amountMicro, currency, host } = intent.terms
  return { amountMicro, currency, host }
}
