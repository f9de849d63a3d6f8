import { accountRows, mapAccounts, spendableMicro } from '../ledger/accounts.ts'
import { type Approval, asks } from '../ledger/approval.ts'
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
import { isOpen, isPaid, type KeyRecord, type Payment, type Terms } from '../ledger/payment.ts'
import { formatAmount, parseAmount } from '../money/amount.ts'
import { addHold } from '../money/limits.ts'
import type { PolicyDecision } from '../ports/policy.ts'
import { standing } from './account-end.ts'
import { ask, askedDenial, isApproved } from './approval-decision.ts'
import { limitDenials } from './limit-denials.ts'
import { judgementOf, observedEvents } from './policy-evaluation.ts'
import {
  type Intent,
  knownMerchant,
  newPayment,
  pinned,
  pinnedKey,
  pinnedToTwin,
  reservedEvent,
  usedApproval,
  usedEvent,
} from './reservation.ts'

/**
 * The pure heart: ledger state, intent and time in, a decision out. No await, no clock, no random,
 * no I/O. The shell runs it inside the store's commit, on the newest state, under its locks.
 */

/** After so many refusals a key answers its last one without a new quote. */
export const MAX_REFUSALS_PER_KEY = 5

/** What is decided about an intent. */
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

/** What an earlier call with the same key, or an identical request, has to say. */
export type Earlier =
  | { readonly kind: 'payment'; readonly payment: Payment }
  | { readonly kind: 'denied'; readonly denial: Denial }

/** What is known of the key, and of an identical request in the delegation. */
export function earlier(
  state: PayingState,
  request: { readonly hash: string; readonly key?: string | undefined },
  now: number,
): Earlier | undefined {
  const { session } = state
  if (request.key !== undefined && state.key) {
    const known = ofKey(state.key, state.payment, request.hash)
    if (known) return known
  }
  const twin = state.twin
  if (!twin) return undefined
  if (isOpen(twin)) {
    return { kind: 'denied', denial: deny('duplicate_open', { cause: `payment ${twin.id}` }) }
  }
  const own = twin.session === session.id ? twin : state.ownTwin
  const recent = own && isPaid(own) && now - own.reservedAt < session.repeatAfterMs
  return recent ? { kind: 'payment', payment: own } : undefined
}

/** Whether the session's and the delegation's lists name the host: known before a byte leaves. */
export function admitHost(
  state: PayingState,
  { host, isDialled }: { readonly host: string; readonly isDialled: boolean },
): Denial | undefined {
  const { session, delegation } = state
  // Nobody but the caller says who the merchant is then: only payees that the session lists count.
  if (!isDialled && !session.merchants?.some((rule) => rule.host === host && rule.payees)) {
    return deny('merchant_not_allowed', { host, cause: 'not dialled, and no payees are listed' })
  }
  const lists = [session, ...state.ancestors, delegation].map((one) => one.merchants)
  const named = lists.every((list) => !list || list.some((rule) => rule.host === host))
  return named ? undefined : deny('merchant_not_allowed', { host })
}

/** Decides and reserves: what a commit of step 6 writes. */
export function reserve(loaded: LedgerState, intent: Intent, now: number): Change<Decision> {
  const state = payingState(loaded)
  const known = earlier(state, { hash: intent.terms.requestHash, key: intent.key }, now)
  if (known?.kind === 'payment') return replayed(state, intent, known.payment)
  const ended = standing(state, now)
  const earlierDenial = firstDenial([ended, known?.denial].filter((one) => one !== undefined))
  if (earlierDenial) return answered(state, intent, earlierDenial, now)
  const judgement = judgementOf(state, intent, {
    at: now,
    remainingMicro: spendableMicro(state),
    knownMerchant: isKnown(state, intent.terms),
  })
  const change = answered(state, intent, judge(state, intent, judgement.decision, now), now)
  return { ...change, events: [...change.events, ...observedEvents(state, intent, judgement)] }
}

function answered(
  state: PayingState,
  intent: Intent,
  denial: Denial | undefined,
  now: number,
): Change<Decision> {
  if (!denial) return reserved(state, intent, now)
  return denial.code === 'approval_required'
    ? asked(state, intent, denial, now)
    : denied(state, intent, denial)
}

/** The refusals of a key as they are counted; what is not final does not count. */
export function countRefusal(
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
      refusals: refusalsAfter(known?.refusals ?? 0, denial),
      lastRefusal: denial,
    },
  ]
}

/** What is only so for a moment: it says nothing about the next time. */
const passing: readonly DenialCode[] = [
  'approval_required',
  'duplicate_open',
  'request_rate_exceeded',
]

/** What is passing does not count; a human's no, or silence, is the key's answer from then on. */
function refusalsAfter(before: number, { code }: Denial): number {
  if (passing.includes(code)) return before
  const isFinal = code === 'approval_denied' || code === 'approval_expired'
  return isFinal ? MAX_REFUSALS_PER_KEY : before + 1
}

function ofKey(
  record: KeyRecord,
  payment: Payment | undefined,
  requestHash: string,
): Earlier | undefined {
  if (payment) {
    if (payment.terms.requestHash === requestHash) return { kind: 'payment', payment }
    return { kind: 'denied', denial: deny('key_conflict', { cause: `payment ${payment.id}` }) }
  }
  const worn = record.refusals >= MAX_REFUSALS_PER_KEY
  return worn && record.lastRefusal ? { kind: 'denied', denial: record.lastRefusal } : undefined
}

/** Every rule over the terms; of the refusals the first in the order of precedence. */
function judge(
  state: PayingState,
  intent: Intent,
  policy: PolicyDecision,
  now: number,
): Denial | undefined {
  const { terms, maxMicro } = intent
  const facts = factsOf(intent)
  const rules = merchantDecision(state, terms, facts)
  const denials: (Denial | undefined)[] = [
    admitHost(state, { host: terms.host, isDialled: intent.isDialled }),
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
    ...accountQuestions(state, terms, facts),
    claimedHostQuestion(state, intent, facts),
    ...limitDenials(state, terms, now),
    fundsDenial(intent, facts),
  ]
  const agreed = isApproved(state, now)
  return firstDenial(
    denials
      .filter((denial) => denial !== undefined)
      .filter(({ code }) => code !== 'approval_required' || !agreed),
  )
}

/** What the rules of delegation and sessions ask. */
function accountQuestions(state: PayingState, terms: Terms, facts: DenialFacts): Denial[] {
  const { session, delegation } = state
  const known = isKnown(state, terms)
  return [session, ...state.ancestors, delegation].flatMap((one) => {
    const reason = asks(one.ask, parseAmount, terms, known)
    return reason ? [deny('approval_required', { ...facts, cause: `${one.id}: ${reason}` })] : []
  })
}

function merchantDecision(
  state: PayingState,
  terms: Terms,
  facts: DenialFacts,
): Denial | undefined {
  const { session, delegation } = state
  for (const one of [session, ...state.ancestors, delegation]) {
    const payees = one.merchants?.find((rule) => rule.host === terms.host)?.payees
    if (payees && !payees.includes(terms.payee)) {
      return deny('merchant_not_allowed', { ...facts, cause: `payee ${terms.payee} of ${one.id}` })
    }
  }
  return merchantQuestion(delegation.merchants, pinned(state.merchant), terms, facts)
}

/** What the end user's permission leaves open, asks. */
function merchantQuestion(
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
function claimedHostQuestion(
  state: PayingState,
  { claimedHost, terms }: Intent,
  facts: DenialFacts,
): Denial | undefined {
  const rule = state.delegation.merchants?.find(({ host }) => host === terms.host)
  if (claimedHost === undefined || rule?.payees || isKnown(state, terms)) return undefined
  return deny('approval_required', { ...facts, cause: `the seller says it is ${claimedHost}` })
}

/** A new payee at a known host is a new merchant. */
function isKnown(state: PayingState, terms: Terms): boolean {
  return pinned(state.merchant)?.payee === terms.payee
}

function fundsDenial(intent: Intent, facts: DenialFacts): Denial | undefined {
  const { balanceAtomic, terms, payer } = intent
  if (balanceAtomic === undefined) {
    return deny('wallet_unavailable', { ...facts, cause: `the balance of ${payer} is not known` })
  }
  if (balanceAtomic >= terms.atomic) return undefined
  const cause = `${payer} holds ${balanceAtomic} of ${terms.atomic} atomic units`
  return deny('insufficient_funds', { ...facts, cause })
}

function denied(state: PayingState, intent: Intent, denial: Denial): Change<Decision> {
  const { session, delegation } = state
  const { terms, key, ignoredArguments } = intent
  return {
    result: { kind: 'denied', denial, remainingMicro: spendableMicro(state) },
    keys: countRefusal(state, { hash: terms.requestHash, key }, denial),
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

function replayed(state: PayingState, intent: Intent, payment: Payment): Change<Decision> {
  const { key, terms } = intent
  const result = { kind: 'replayed', payment } as const
  if (key === undefined) return { result, events: [] }
  return { ...pinnedToTwin(state, { hash: terms.requestHash, key }, payment), result }
}

function asked(state: PayingState, intent: Intent, denial: Denial, now: number): Change<Decision> {
  const asking = ask(state, intent, denial.detail, now)
  if (asking.kind !== 'waiting') return denied(state, intent, askedDenial(asking))
  const { approval } = asking
  const result = { kind: 'asked', approval, denial, remainingMicro: spendableMicro(state) } as const
  if (!asking.isNew) return { result, events: [] }
  const { id, session, root, delegation, endUser, termsHash, key, card, reason } = approval
  return {
    result,
    approvals: [approval],
    keys: countRefusal(state, { hash: intent.terms.requestHash, key }, denial),
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

function reserved(state: PayingState, intent: Intent, now: number): Change<Decision> {
  const { session, delegation } = state
  const payment = newPayment(session, delegation, intent, now)
  const { amountMicro } = intent.terms
  const accounts = mapAccounts(state, intent.terms, (limits, usage) =>
    addHold(limits, usage, amountMicro, now),
  )
  const after: PayingState = { ...state, ...accounts }
  const used = usedApproval(state, payment, now)
  return {
    result: { kind: 'reserved', payment, remainingMicro: spendableMicro(after) },
    ...accountRows(accounts),
    payments: [payment],
    merchants: [knownMerchant(state.merchant, delegation, intent.terms)],
    keys: pinnedKey(session, intent),
    ...(used ? { approvals: [used] } : {}),
    events: [reservedEvent(after, payment, intent), ...(used ? [usedEvent(used, payment)] : [])],
  }
}

function factsOf(intent: Intent): DenialFacts {
  const { amountMicro, currency, host } = intent.terms
  return { amountMicro, currency, host }
}
