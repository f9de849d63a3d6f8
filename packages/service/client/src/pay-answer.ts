import type {
  ApprovalCard,
  PayResult,
  ProveResult,
  QuoteResult,
  SessionStatus,
} from '@bursar/core/session'
import {
  byStatus,
  bytes,
  count,
  flag,
  matching,
  object,
  oneOf,
  optional,
  record,
  type Shape,
  text,
  texts,
} from './shape.ts'

const money = object({ amount: matching(/^\d{1,30}(\.\d{1,6})?$/), currency: text })

const code = matching(/^[a-z][a-z0-9_]{0,59}$/)

const response = object({ status: count, headers: texts, body: bytes, truncated: flag })

const receipt = object({
  paymentId: text,
  amount: text,
  currency: text,
  merchant: text,
  payee: text,
  network: text,
  asset: text,
  at: text,
  settlement: oneOf('claimed', 'settled'),
  transaction: optional(text),
  contentSha256: optional(text),
})

/** The card that an approval shows to the end user. */
export const cardShape: Shape<ApprovalCard> = object({
  amount: text,
  currency: text,
  merchant: text,
  payee: text,
  network: text,
  resource: text,
  agent: text,
  agentSays: text,
  sellerSays: optional(text),
})

const results = {
  paid: object({
    receipt,
    response: optional(response),
    remaining: money,
    code: optional(oneOf('content_not_kept')),
    message: text,
  }),
  free: object({ response, remaining: money, message: text }),
  denied: object({ code, message: text, remaining: optional(money) }),
  approval_required: object({
    code: oneOf('approval_required'),
    approval: object({ id: text, card: cardShape, expiresAt: text }),
    message: text,
    remaining: money,
  }),
  undelivered: object({ receipt, response: optional(response), remaining: money, message: text }),
  in_doubt: object({
    paymentId: text,
    response: optional(response),
    remaining: money,
    message: text,
  }),
  in_progress: object({ paymentId: optional(text), message: text }),
  failed: object({
    code: optional(oneOf('wallet_unavailable', 'credential_expired')),
    message: text,
    remaining: optional(money),
  }),
}

export const payResult = byStatus(results) as Shape<PayResult>

const payable = object({ price: money, merchant: text, remaining: money, message: text })

export const quoteResult = byStatus({ ...results, payable }) as Shape<QuoteResult>

const signed = object({ paymentId: text, payload: record })

export const proveResult = byStatus({ ...results, signed }) as Shape<ProveResult>

export const sessionStatus: Shape<SessionStatus> = object({
  id: text,
  state: oneOf('open', 'revoked', 'expired', 'locked', 'unknown'),
  currency: optional(text),
  total: optional(text),
  settled: optional(text),
  held: optional(text),
  remaining: optional(text),
  payments: optional(count),
  expiresAt: optional(text),
}) as Shape<SessionStatus>

/** The form of a session token, with the session's id as its first group. */
export const sessionToken: RegExp = /^bursar_(ses_[0-9a-f]{32})_[A-Za-z0-9_-]{43}$/

export const openedChild: Shape<{ readonly id: string; readonly token: string }> = object({
  id: text,
  token: matching(sessionToken),
})
