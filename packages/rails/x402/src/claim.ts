import type { Answer, Authorization, Claim } from '@bursar/core'
import { z } from 'zod'
import { findMcpClaim } from './mcp-message.ts'
import { toCaip2 } from './network-name.ts'
import { readHeader } from './wire.ts'

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

/** The form of the protocol's own reasons. Any other text is the server's and left out. */
const reasonPattern = /^[a-z0-9_]{1,80}$/

/**
 * Reads the claim in the answer to a paid request. A claim is never proof.
 *
 * A success counts only if it has a transaction's hash and is about this payment: the network, and
 * the payer and the amount if the claim names them, must be the authorization's.
 */
export function readClaim(answer: Answer, authorization: Authorization): Claim {
  const { where, value, asksAgain } =
    'message' in answer ? findMessageClaim(answer) : findHeaderClaim(answer)
  if (where === undefined) return classifyWithoutClaim(asksAgain, 'The response makes no claim.')
  const claim = claimSchema.safeParse(value)
  if (!claim.success) return classifyWithoutClaim(asksAgain, `${where} is malformed.`)
  if (!claim.data.success) return refusedClaim(claim.data.errorReason)
  const { transaction, network, payer, amount } = claim.data
  const { terms } = authorization
  const isOurs =
    toCaip2(network) === terms.network &&
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
  /** The answer asks for payment once more. */
  readonly asksAgain: boolean
}

function findHeaderClaim({
  status,
  headers,
}: Exclude<Answer, { readonly message: unknown }>): Found {
  const asksAgain = status === 402
  const name = claimHeaders.find((header) => Object.hasOwn(headers, header))
  if (name === undefined) return { where: undefined, asksAgain }
  const decoded = readHeader(headers[name] ?? '')
  const value = 'value' in decoded ? decoded.value : undefined
  return { where: `The header ${name}`, value, asksAgain }
}

function findMessageClaim({ message }: Extract<Answer, { readonly message: unknown }>): Found {
  const { claim, asksAgain } = findMcpClaim(message)
  const where = claim === undefined ? undefined : 'The claim of the tool'
  return { where, value: claim, asksAgain }
}

function classifyWithoutClaim(asksAgain: boolean, reason: string): Claim {
  return asksAgain
    ? { outcome: 'refused', reason: 'The server asked for payment again.' }
    : { outcome: 'unknown', reason }
}

function refusedClaim(errorReason: string | null | undefined): Claim {
  const reason = reasonPattern.test(errorReason ?? '') ? `: ${errorReason}` : ''
  return { outcome: 'refused', reason: `The server says that the payment failed${reason}.` }
}
