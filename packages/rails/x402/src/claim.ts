import type { Answer, Authorization, Claim } from '@bursar/core'
import { z } from 'zod'
import { claimIn } from './mcp-message.ts'
import { networkOf } from './network-name.ts'
import { readHeader } from './wire.ts'

/** Where servers say what became of a payment: version 2, and version 1. */
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

/** The form of the protocol's own reasons: anything else is a stranger's text and left out. */
const reasonPattern = /^[a-z0-9_]{1,80}$/

/**
 * Reads what the answer to a paid request says about the payment. It is a claim, never proof.
 *
 * A success counts as one only if it is about this payment: its network, its payer, its amount, as
 * far as it names them, and a transaction's hash.
 */
export function readClaim(answer: Answer, authorization: Authorization): Claim {
  const { where, value, asksAgain } = 'message' in answer ? ofMessage(answer) : ofHeaders(answer)
  if (where === undefined) return withoutClaim(asksAgain, 'The response makes no claim.')
  const claim = claimSchema.safeParse(value)
  if (!claim.success) return withoutClaim(asksAgain, `${where} is malformed.`)
  if (!claim.data.success) return refused(claim.data.errorReason)
  const { transaction, network, payer, amount } = claim.data
  const { terms } = authorization
  const isOurs =
    networkOf(network) === terms.network &&
    (payer ?? authorization.payer).toLowerCase() === authorization.payer.toLowerCase() &&
    (amount ?? `${terms.atomic}`) === `${terms.atomic}`
  return isOurs
    ? { outcome: 'settled', transaction: transaction.toLowerCase() }
    : { outcome: 'unknown', reason: `${where} is about another payment.` }
}

/** Where something speaks of the payment, what it says, and whether payment is asked for again. */
interface Found {
  readonly where: string | undefined
  readonly value?: unknown
  readonly asksAgain: boolean
}

function ofHeaders({ status, headers }: Exclude<Answer, { readonly message: unknown }>): Found {
  const asksAgain = status === 402
  const name = claimHeaders.find((header) => Object.hasOwn(headers, header))
  if (name === undefined) return { where: undefined, asksAgain }
  const decoded = readHeader(headers[name] ?? '')
  const value = 'value' in decoded ? decoded.value : undefined
  return { where: `The header ${name}`, value, asksAgain }
}

function ofMessage({ message }: Extract<Answer, { readonly message: unknown }>): Found {
  const { claim, asksAgain } = claimIn(message)
  const where = claim === undefined ? undefined : 'The claim of the tool'
  return { where, value: claim, asksAgain }
}

function withoutClaim(asksAgain: boolean, reason: string): Claim {
  return asksAgain
    ? { outcome: 'refused', reason: 'The server asked for payment again.' }
    : { outcome: 'unknown', reason }
}

function refused(errorReason: string | null | undefined): Claim {
  const reason = reasonPattern.test(errorReason ?? '') ? `: ${errorReason}` : ''
  return { outcome: 'refused', reason: `The server says that the payment failed${reason}.` }
}
