import type {
  ApprovalSummary,
  Cancellation,
  CreatedSession,
  DelegationSummary,
  EndUserSummary,
  Exposure,
  Funding,
  PaymentSummary,
  SessionSummary,
} from '@bursar/core'
import { cardShape, sessionToken } from './pay-answer.ts'
import {
  countShape,
  flagShape,
  jsonShape,
  listShape,
  matchingShape,
  objectShape,
  oneOfShape,
  optionalShape,
  type Shape,
  textShape,
} from './shape.ts'

const spending = {
  limits: jsonShape,
  settled: textShape,
  held: textShape,
  remaining: textShape,
  payments: countShape,
}

export const endUserShape = objectShape({
  ...spending,
  endUser: textShape,
  createdAt: textShape,
}) as Shape<unknown> as Shape<EndUserSummary>

export const cancellationShape = objectShape({
  payments: listShape(
    objectShape({
      id: textShape,
      outcome: oneOfShape('asked', 'refused', 'unavailable', 'unknown'),
      reason: optionalShape(textShape),
      transaction: optionalShape(textShape),
    }),
  ),
  asked: countShape,
  refused: countShape,
  unavailable: countShape,
  unknown: countShape,
  cursor: optionalShape(textShape),
}) as Shape<Cancellation>

const account = {
  ...spending,
  id: textShape,
  merchants: optionalShape(jsonShape),
  ask: optionalShape(jsonShape),
  createdAt: textShape,
  expiresAt: textShape,
}

export const createdSession: Shape<CreatedSession> = objectShape({
  id: textShape,
  token: matchingShape(sessionToken),
  expiresAt: textShape,
})

export const sessionShape = objectShape({
  ...account,
  delegation: textShape,
  parent: optionalShape(textShape),
  payer: optionalShape(textShape),
  state: oneOfShape('open', 'revoked', 'expired', 'locked'),
}) as Shape<unknown> as Shape<SessionSummary>

export const delegationShape = objectShape({
  ...account,
  endUser: textShape,
  agent: textShape,
  instrument: textShape,
  state: oneOfShape('open', 'revoked', 'expired'),
  consent: jsonShape,
  permission: optionalShape(jsonShape),
}) as Shape<unknown> as Shape<DelegationSummary>

export const fundingShape: Shape<Funding> = objectShape({
  instrument: textShape,
  address: textShape,
  assets: listShape(objectShape({ network: textShape, address: textShape, symbol: textShape })),
  link: optionalShape(textShape),
}) as Shape<unknown> as Shape<Funding>

export const approvalShape: Shape<ApprovalSummary> = objectShape({
  id: textShape,
  session: textShape,
  delegation: textShape,
  state: oneOfShape('waiting', 'approved', 'denied', 'used', 'expired'),
  card: cardShape,
  createdAt: textShape,
  expiresAt: textShape,
})

const paymentState = oneOfShape('reserved', 'signed', 'claimed', 'in_doubt', 'settled', 'released')

export const paymentShape = objectShape({
  id: textShape,
  session: textShape,
  delegation: textShape,
  endUser: textShape,
  instrument: textShape,
  state: paymentState,
  amount: textShape,
  settled: optionalShape(textShape),
  currency: textShape,
  merchant: textShape,
  payee: textShape,
  path: textShape,
  purpose: textShape,
  network: textShape,
  asset: textShape,
  reservedAt: textShape,
  provenAt: optionalShape(textShape),
  claimedTransaction: optionalShape(textShape),
  evidence: optionalShape(jsonShape),
  delivery: optionalShape(jsonShape),
  overrun: flagShape,
}) as Shape<unknown> as Shape<PaymentSummary>

export const exposureShape = objectShape({
  payments: listShape(
    objectShape({
      id: textShape,
      session: textShape,
      delegation: textShape,
      state: paymentState,
      merchant: textShape,
      payee: textShape,
      amount: textShape,
      currency: textShape,
      until: textShape,
      cancellable: flagShape,
    }),
  ),
  most: listShape(objectShape({ amount: textShape, currency: textShape })),
  until: optionalShape(textShape),
  complete: flagShape,
}) as Shape<Exposure>

/** Makes the shape of one page of a list. */
export function pageShape<Row>(
  row: Shape<Row>,
): Shape<{ readonly rows: readonly Row[]; readonly cursor?: string }> {
  return objectShape({ rows: listShape(row), cursor: optionalShape(textShape) }) as Shape<{
    readonly rows: readonly Row[]
    readonly cursor?: string
  }>
}
