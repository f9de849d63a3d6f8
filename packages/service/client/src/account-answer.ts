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
  count,
  flag,
  json,
  list,
  matching,
  object,
  oneOf,
  optional,
  type Shape,
  text,
} from './shape.ts'

const spending = { limits: json, settled: text, held: text, remaining: text, payments: count }

export const endUserShape = object({
  ...spending,
  endUser: text,
  createdAt: text,
}) as Shape<unknown> as Shape<EndUserSummary>

export const cancellationShape = object({
  payments: list(
    object({
      id: text,
      outcome: oneOf('asked', 'refused', 'unavailable', 'unknown'),
      reason: optional(text),
      transaction: optional(text),
    }),
  ),
  asked: count,
  refused: count,
  unavailable: count,
  unknown: count,
  cursor: optional(text),
}) as Shape<Cancellation>

const account = {
  ...spending,
  id: text,
  merchants: optional(json),
  ask: optional(json),
  createdAt: text,
  expiresAt: text,
}

export const createdSession: Shape<CreatedSession> = object({
  id: text,
  token: matching(sessionToken),
  expiresAt: text,
})

export const sessionShape = object({
  ...account,
  delegation: text,
  parent: optional(text),
  payer: optional(text),
  state: oneOf('open', 'revoked', 'expired', 'locked'),
}) as Shape<unknown> as Shape<SessionSummary>

export const delegationShape = object({
  ...account,
  endUser: text,
  agent: text,
  instrument: text,
  state: oneOf('open', 'revoked', 'expired'),
  consent: json,
  permission: optional(json),
}) as Shape<unknown> as Shape<DelegationSummary>

export const fundingShape: Shape<Funding> = object({
  instrument: text,
  address: text,
  assets: list(object({ network: text, address: text, symbol: text })),
  link: optional(text),
}) as Shape<unknown> as Shape<Funding>

export const approvalShape: Shape<ApprovalSummary> = object({
  id: text,
  session: text,
  delegation: text,
  state: oneOf('waiting', 'approved', 'denied', 'used', 'expired'),
  card: cardShape,
  createdAt: text,
  expiresAt: text,
})

const paymentState = oneOf('reserved', 'signed', 'claimed', 'in_doubt', 'settled', 'released')

export const paymentShape = object({
  id: text,
  session: text,
  delegation: text,
  endUser: text,
  instrument: text,
  state: paymentState,
  amount: text,
  settled: optional(text),
  currency: text,
  merchant: text,
  payee: text,
  path: text,
  purpose: text,
  network: text,
  asset: text,
  reservedAt: text,
  provenAt: optional(text),
  claimedTransaction: optional(text),
  evidence: optional(json),
  delivery: optional(json),
  overrun: flag,
}) as Shape<unknown> as Shape<PaymentSummary>

export const exposureShape = object({
  payments: list(
    object({
      id: text,
      session: text,
      delegation: text,
      state: paymentState,
      merchant: text,
      payee: text,
      amount: text,
      currency: text,
      until: text,
      cancellable: flag,
    }),
  ),
  most: list(object({ amount: text, currency: text })),
  until: optional(text),
  complete: flag,
}) as Shape<Exposure>

/** Makes the shape of one page of a list. */
export function pageShape<Row>(
  row: Shape<Row>,
): Shape<{ readonly rows: readonly Row[]; readonly cursor?: string }> {
  return object({ rows: list(row), cursor: optional(text) }) as Shape<{
    readonly rows: readonly Row[]
    readonly cursor?: string
  }>
}
