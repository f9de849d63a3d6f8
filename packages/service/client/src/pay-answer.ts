import type {
  ApprovalCard,
  PayResult,
  ProveResult,
  QuoteResult,
  SessionStatus,
} from '@bursar/core/session'
import {
  byStatusShape,
  bytesShape,
  countShape,
  flagShape,
  matchingShape,
  objectShape,
  oneOfShape,
  optionalShape,
  recordShape,
  type Shape,
  textShape,
  textsShape,
} from './shape.ts'

const money = objectShape({ amount: matchingShape(/^\d{1,30}(\.\d{1,6})?$/), currency: textShape })

const code = matchingShape(/^[a-z][a-z0-9_]{0,59}$/)

const response = objectShape({
  status: countShape,
  headers: textsShape,
  body: bytesShape,
  truncated: flagShape,
})

const receipt = objectShape({
  paymentId: textShape,
  amount: textShape,
  currency: textShape,
  merchant: textShape,
  payee: textShape,
  network: textShape,
  asset: textShape,
  at: textShape,
  settlement: oneOfShape('claimed', 'settled'),
  transaction: optionalShape(textShape),
  contentSha256: optionalShape(textShape),
})

/** The card that an approval shows to the end user. */
export const cardShape: Shape<ApprovalCard> = objectShape({
  amount: textShape,
  currency: textShape,
  merchant: textShape,
  payee: textShape,
  network: textShape,
  resource: textShape,
  agent: textShape,
  agentSays: textShape,
  sellerSays: optionalShape(textShape),
})

const results = {
  paid: objectShape({
    receipt,
    response: optionalShape(response),
    remaining: money,
    code: optionalShape(oneOfShape('content_not_kept')),
    message: textShape,
  }),
  free: objectShape({ response, remaining: money, message: textShape }),
  denied: objectShape({ code, message: textShape, remaining: optionalShape(money) }),
  approval_required: objectShape({
    code: oneOfShape('approval_required'),
    approval: objectShape({ id: textShape, card: cardShape, expiresAt: textShape }),
    message: textShape,
    remaining: money,
  }),
  undelivered: objectShape({
    receipt,
    response: optionalShape(response),
    remaining: money,
    message: textShape,
  }),
  in_doubt: objectShape({
    paymentId: textShape,
    response: optionalShape(response),
    remaining: money,
    message: textShape,
  }),
  in_progress: objectShape({ paymentId: optionalShape(textShape), message: textShape }),
  failed: objectShape({
    code: optionalShape(oneOfShape('wallet_unavailable', 'credential_expired')),
    message: textShape,
    remaining: optionalShape(money),
  }),
}

export const payResult = byStatusShape(results) as Shape<PayResult>

const payable = objectShape({
  price: money,
  merchant: textShape,
  remaining: money,
  message: textShape,
})

export const quoteResult = byStatusShape({ ...results, payable }) as Shape<QuoteResult>

const signed = objectShape({ paymentId: textShape, payload: recordShape })

export const proveResult = byStatusShape({ ...results, signed }) as Shape<ProveResult>

export const sessionStatus: Shape<SessionStatus> = objectShape({
  id: textShape,
  state: oneOfShape('open', 'revoked', 'expired', 'locked', 'unknown'),
  currency: optionalShape(textShape),
  total: optionalShape(textShape),
  settled: optionalShape(textShape),
  held: optionalShape(textShape),
  remaining: optionalShape(textShape),
  payments: optionalShape(countShape),
  expiresAt: optionalShape(textShape),
}) as Shape<SessionStatus>

/** The form of a session token, with the session's id as its first group. */
export const sessionToken: RegExp = /^bursar_(ses_[0-9a-f]{32})_[A-Za-z0-9_-]{43}$/

export const openedChild: Shape<{ readonly id: string; readonly token: string }> = objectShape({
  id: textShape,
  token: matchingShape(sessionToken),
})
