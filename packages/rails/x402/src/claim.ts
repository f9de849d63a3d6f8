import type { Answer, Authorization, Claim } from '@bursar/core'
import { z } from 'zod'
import { findMcpClaim } from './mcp-message.ts'
import { toNetworkName } from './network-name.ts'
import { findPaymentRequired, findToolPaymentRequired } from './payment-required.ts'
import { readWireHeader } from './wire.ts'

/** The headers that carry a claim, of version 2 and of version 1. */
const claimHeaders = ['payment-response', 'x-payment-response'] as const

const claimSchema = z.discriminatedUnion('success', [
  z.object({
    success: z.literal(true),
    transaction: z.string().regex(/^0x[0-9a-fA-F]{64}$/),
    network: z.string(),
    payer: z.string().nullish(),
    amount: z.string().nullish(),
  }),
  z.object({ success: z.literal(false), errorReason: z.string().nullish() }),
])

/**
 * Reads the claim in the answer to a paid request. A claim is never proof.
 *
 * A success counts only if it has a transaction's hash and is about this payment: the network, and
 * the payer and the amount if the claim names them, must be the authorization's.
 */
export function readClaim(answer: Answer, authorization: Authorization): Claim {
  const { where, value } = 'message' in answer ? findMessageClaim(answer) : findHeaderClaim(answer)
  if (where === undefined) return classifyWithoutClaim(answer, 'The response makes no claim.')
  const claim = claimSchema.safeParse(value)
  if (!claim.success) return classifyWithoutClaim(answer, `${where} is malformed.`)
  if (!claim.data.success) {
    return refusedClaim('The server says that the payment failed.', claim.data.errorReason)
  }
  const { transaction, network, payer, amount } = claim.data
  const { terms } = authorization
  const isOurs =
    toNetworkName(network) === terms.network &&
    (payer ?? authorization.payer).toLowerCase() === authorization.payer.toLowerCase() &&
    (amount ?? `${terms.atomic}`) === `${terms.atomic}`
  return isOurs
    ? { outcome: 'settled', transaction: transaction.toLowerCase() }
    : { outcome: 'unknown', reason: `${where} is about another payment.` }
}

/** A claim before it is parsed. */
interface Found {
  /** The place of the claim, for a reason. Undefined if the answer has no claim. */
  readonly where: string | undefined
  readonly value?: unknown
}

function findHeaderClaim({ headers }: Exclude<Answer, { readonly message: unknown }>): Found {
  const name = claimHeaders.find((header) => Object.hasOwn(headers, header))
  if (name === undefined) return { where: undefined }
  const decoded = readWireHeader(headers[name] ?? '')
  return { where: `The header ${name}`, value: 'value' in decoded ? decoded.value : undefined }
}

function findMessageClaim({ message }: Extract<Answer, { readonly message: unknown }>): Found {
  const value = findMcpClaim(message)
  return { where: value === undefined ? undefined : 'The claim of the tool', value }
}

/** Returns the claim of an answer that makes none which can be read. To ask for payment again is a refusal. */
function classifyWithoutClaim(answer: Answer, reason: string): Claim {
  const isTool = 'message' in answer
  const again = isTool ? findToolPaymentRequired(answer) : findPaymentRequired(answer)
  const asksAgain = isTool ? again !== undefined : answer.status === 402
  if (!asksAgain) return { outcome: 'unknown', reason }
  const challenge = again && 'value' in again.decoded ? again.decoded.value : undefined
  const says = againSchema.safeParse(challenge)
  return refusedClaim('The server asked for payment again.', says.data?.error)
}

/** The part of a second challenge that says why it came. */
const againSchema = z.object({ error: z.string().nullish() })

function refusedClaim(reason: string, says: string | null | undefined): Claim {
  return { outcome: 'refused', reason, ...(says ? { says } : {}) }
}
