import type { Authorization, Claim } from '@bursar/core'
import { z } from 'zod'
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
export function readClaim(
  response: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
  authorization: Authorization,
): Claim {
  const name = claimHeaders.find((header) => Object.hasOwn(response.headers, header))
  if (name === undefined) return withoutClaim(response.status, 'The response makes no claim.')
  const decoded = readHeader(response.headers[name] ?? '')
  const claim = claimSchema.safeParse('value' in decoded ? decoded.value : undefined)
  if (!claim.success) return withoutClaim(response.status, `The header ${name} is malformed.`)
  if (!claim.data.success) return refused(claim.data.errorReason)
  const { transaction, network, payer, amount } = claim.data
  const { terms } = authorization
  const isOurs =
    networkOf(network) === terms.network &&
    (payer ?? authorization.payer).toLowerCase() === authorization.payer.toLowerCase() &&
    (amount ?? `${terms.atomic}`) === `${terms.atomic}`
  return isOurs
    ? { outcome: 'settled', transaction: transaction.toLowerCase() }
    : { outcome: 'unknown', reason: `The header ${name} is about another payment.` }
}

function withoutClaim(status: number, reason: string): Claim {
  return status === 402
    ? { outcome: 'refused', reason: 'The server asked for payment again.' }
    : { outcome: 'unknown', reason }
}

function refused(errorReason: string | null | undefined): Claim {
  const reason = reasonPattern.test(errorReason ?? '') ? `: ${errorReason}` : ''
  return { outcome: 'refused', reason: `The server says that the payment failed${reason}.` }
}
