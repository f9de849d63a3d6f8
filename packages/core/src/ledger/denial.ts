import { formatAmount } from '../money/amount.ts'

/**
 * The codes of all refusals, in order of precedence: if several rules refuse a payment, the first code is
 * returned. `docs/reference/denials.md` explains each code.
 */
export const denialCodes = [
  'session_unknown',
  'session_revoked',
  'session_expired',
  'session_locked',
  'delegation_revoked',
  'delegation_expired',
  'key_conflict',
  'duplicate_open',
  'request_not_allowed',
  'request_rate_exceeded',
  'challenge_invalid',
  'no_acceptable_offer',
  'unknown_asset',
  'currency_mismatch',
  'merchant_not_allowed',
  'policy_denied',
  'payment_limit_exceeded',
  'payment_count_exceeded',
  'window_limit_exceeded',
  'merchant_limit_exceeded',
  'session_limit_exceeded',
  'delegation_limit_exceeded',
  'end_user_limit_exceeded',
  'insufficient_funds',
  'approval_required',
  'approval_denied',
  'approval_expired',
  'wallet_unavailable',
  'network_unavailable',
  'credential_expired',
] as const

/** A code of a refusal. */
export type DenialCode = (typeof denialCodes)[number]

/** A refusal of a payment, with one text for the model and one for the operator. */
export interface Denial {
  readonly code: DenialCode
  /** The text for the model: short, without internals, with the next step. */
  readonly message: string
  /** The text for the operator: all known facts, at most 1,000 characters. */
  readonly detail: string
}

/** The longest text for the operator. Merchants wrote some of it, and all of it is recorded. */
const MAX_DETAIL_LENGTH = 1_000

/** The facts that the texts of a refusal are made of. */
export interface DenialFacts {
  readonly amountMicro?: bigint | undefined
  readonly limitMicro?: bigint | undefined
  readonly remainingMicro?: bigint | undefined
  readonly currency?: string | undefined
  readonly host?: string | undefined
  /** The fault of the model's own request, for the model. The guard writes it, never a merchant. */
  readonly problem?: string | undefined
  /** Names, ids, addresses, the policy and the cause, for the operator alone. */
  readonly cause?: string | undefined
}

type Text = (facts: DenialFacts) => string

/** Makes a refusal and its two texts from the facts. */
export function deny(code: DenialCode, facts: DenialFacts = {}): Denial {
  const message = modelTexts[code](facts)
  const { amountMicro, limitMicro, remainingMicro, currency } = facts
  const known = [
    facts.host === undefined ? undefined : `host ${facts.host}`,
    amountMicro === undefined ? undefined : `amount ${formatDeniedMoney(amountMicro, currency)}`,
    limitMicro === undefined ? undefined : `limit ${formatDeniedMoney(limitMicro, currency)}`,
    remainingMicro === undefined
      ? undefined
      : `remaining ${formatDeniedMoney(remainingMicro, currency)}`,
    facts.problem,
    facts.cause,
  ].filter((part) => part !== undefined)
  const detail = known.length === 0 ? code : `${code}: ${known.join('; ')}`
  return { code, message, detail: detail.slice(0, MAX_DETAIL_LENGTH).toWellFormed() }
}

/** Returns the refusal whose code has the highest precedence, or undefined if there is none. */
export function firstDenial(denials: readonly Denial[]): Denial | undefined {
  return denials.reduce<Denial | undefined>(
    (first, next) =>
      first && denialCodes.indexOf(first.code) <= denialCodes.indexOf(next.code) ? first : next,
    undefined,
  )
}

function formatDeniedMoney(micro: bigint, currency = ''): string {
  return `${formatAmount(micro)} ${currency}`.trimEnd()
}

function describeDeniedPrice(facts: DenialFacts): string {
  return facts.amountMicro === undefined
    ? 'This payment'
    : `Payment of ${formatDeniedMoney(facts.amountMicro, facts.currency)}`
}

function describeDenyingLimit(facts: DenialFacts): string {
  return facts.limitMicro === undefined
    ? ''
    : ` of ${formatDeniedMoney(facts.limitMicro, facts.currency)}`
}

function describeDenialRest(facts: DenialFacts): string {
  return facts.remainingMicro === undefined
    ? ''
    : ` ${formatDeniedMoney(facts.remainingMicro, facts.currency)} is left.`
}

const noRetry = 'Do not try again.'

const modelTexts: Readonly<Record<DenialCode, Text>> = {
  session_unknown: () => `There is no payment session for this call. ${noRetry} Tell the user.`,
  session_revoked: () => `The payment session was ended. ${noRetry} Tell the user.`,
  session_expired: () => `The payment session has expired. ${noRetry} Tell the user.`,
  session_locked: () => `The payment session is locked. ${noRetry} Tell the user.`,
  delegation_revoked: () =>
    `The user has withdrawn the permission to spend. ${noRetry} Tell the user.`,
  delegation_expired: () => `The user's permission to spend has expired. ${noRetry} Tell the user.`,
  key_conflict: () =>
    'This tool call was already used for another request. Make a new tool call for this one.',
  duplicate_open: () =>
    'The same request is being paid already. Do not try again; wait for its outcome.',
  request_not_allowed: (facts) =>
    `This request is not allowed${facts.problem ? `: ${facts.problem.replace(/\.$/, '')}` : ''}. Correct it or leave it.`,
  request_rate_exceeded: () => 'Too many requests in a short time. Wait a minute before the next.',
  challenge_invalid: () =>
    `The resource asks for payment in a way that cannot be understood. ${noRetry} Use another resource.`,
  no_acceptable_offer: () =>
    `The resource cannot be paid in any way that is allowed here. ${noRetry} Use another resource.`,
  unknown_asset: () =>
    `The resource asks for a currency that is not known here. ${noRetry} Use another resource.`,
  currency_mismatch: () =>
    `The resource asks for another currency than the session has. ${noRetry} Use another resource.`,
  merchant_not_allowed: (facts) =>
    `Paying ${facts.host ?? 'this merchant'} is not allowed in this session. ${noRetry} Use an allowed merchant.`,
  policy_denied: () => `A rule of the operator forbids this payment. ${noRetry}`,
  payment_limit_exceeded: (facts) =>
    `${describeDeniedPrice(facts)} is over the limit${describeDenyingLimit(facts)} per payment. Ask for something cheaper.`,
  payment_count_exceeded: () =>
    `The number of payments that are allowed is used up. ${noRetry} Go on without paying.`,
  window_limit_exceeded: (facts) =>
    `${describeDeniedPrice(facts)} is over what is allowed in this period. Go on without paying, or wait.`,
  merchant_limit_exceeded: (facts) =>
    `${describeDeniedPrice(facts)} is over what may be paid to ${facts.host ?? 'this merchant'}. Use another merchant.`,
  session_limit_exceeded: (facts) =>
    `${describeDeniedPrice(facts)} is over what is left of the session's budget.${describeDenialRest(facts)} Ask for something cheaper, or go on without paying.`,
  delegation_limit_exceeded: (facts) =>
    `${describeDeniedPrice(facts)} is over what is left of the user's permission to spend.${describeDenialRest(facts)} Ask for something cheaper, or go on without paying.`,
  end_user_limit_exceeded: (facts) =>
    `${describeDeniedPrice(facts)} is over what the user may spend in all.${describeDenialRest(facts)} Go on without paying.`,
  insufficient_funds: () =>
    `There is not enough money in the user's wallet. ${noRetry} Tell the user to add funds.`,
  approval_required: (facts) =>
    `${describeDeniedPrice(facts)}${facts.host ? ` to ${facts.host}` : ''} needs the user's approval. Do not try again before the user has agreed. Tell the user.`,
  approval_denied: () => `The user said no to this payment. ${noRetry}`,
  approval_expired: () => 'The user did not answer in time. Ask again only if it is still needed.',
  wallet_unavailable: () =>
    `The user's wallet cannot be reached now. Nothing was paid. Tell the user.`,
  network_unavailable: () =>
    `The payment network cannot be reached now. Nothing was paid. Try once more later, or go on without paying.`,
  credential_expired: () =>
    `The guard's access to the user's wallet has expired. Nothing was paid. ${noRetry} Tell the user.`,
}
