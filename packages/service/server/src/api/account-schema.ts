import { z } from 'zod'

/** How the service answers with accounts. Every schema names what core's summary has, field by field. */
const amount = z.string().describe('Decimal string.')
const time = z.iso.datetime().describe('ISO 8601, UTC.')
const count = z.number().int().min(0)

const merchants = z.array(z.object({ host: z.string(), payees: z.array(z.string()).optional() }))

const ask = z.object({
  above: amount.optional(),
  firstPayment: z.literal(true).optional(),
  always: z.literal(true).optional(),
})

const limits = z.looseObject({
  currency: z.string(),
  total: amount,
  perPayment: amount.optional(),
  payments: count.optional(),
  windows: z
    .array(z.object({ per: z.string(), amount: amount.optional(), payments: count.optional() }))
    .optional(),
})

const spending = { limits, settled: amount, held: amount, remaining: amount, payments: count }

export const delegationSchema: z.ZodType = z
  .object({
    id: z.string(),
    endUser: z.string(),
    agent: z.string(),
    instrument: z.string(),
    state: z.enum(['open', 'revoked', 'expired']),
    merchants: merchants.optional(),
    ask: ask.optional(),
    consent: z.object({ how: z.string(), reference: z.string().optional() }),
    permission: z
      .object({
        id: z.string().optional(),
        state: z.enum(['requested', 'granted', 'withdrawing', 'not_withdrawn', 'withdrawn']),
      })
      .optional()
      .describe('The permission at the provider of the wallet, as the ledger knows it.'),
    createdAt: time,
    expiresAt: time,
    ...spending,
  })
  .meta({ id: 'Delegation' })

/** Where an end user can put money into an instrument. */
export const fundingSchema: z.ZodType = z
  .object({
    instrument: z.string(),
    address: z.string(),
    assets: z.array(z.object({ network: z.string(), address: z.string(), symbol: z.string() })),
    link: z.string().optional().describe('A page of the provider of the wallet.'),
  })
  .meta({ id: 'Funding' })

export const endUserSchema: z.ZodType = z
  .object({ endUser: z.string(), createdAt: time, ...spending })
  .meta({ id: 'EndUserLimits' })

export const sessionSchema: z.ZodType = z
  .object({
    id: z.string(),
    delegation: z.string(),
    parent: z.string().optional().describe('The session that it draws from.'),
    payer: z.string().optional().describe('The credential that its token has to come with.'),
    state: z.enum(['open', 'revoked', 'expired', 'locked']),
    merchants: merchants.optional(),
    ask: ask.optional(),
    createdAt: time,
    expiresAt: time,
    ...spending,
  })
  .meta({ id: 'Session' })

export const createdSessionSchema: z.ZodType = z
  .object({
    id: z.string(),
    token: z.string().describe('Shown here alone: for the payer that the session is bound to.'),
    expiresAt: time,
  })
  .meta({ id: 'CreatedSession' })

export const moneySchema: z.ZodType = z
  .object({ amount, currency: z.string() })
  .meta({ id: 'Money' })

export const cardSchema: z.ZodType = z
  .object({
    amount,
    currency: z.string(),
    merchant: z.string(),
    payee: z.string(),
    network: z.string(),
    resource: z.string(),
    agent: z.string(),
    agentSays: z.string().describe('The agent’s own words. Nobody has checked them.'),
    sellerSays: z
      .string()
      .optional()
      .describe('The host that the seller’s challenge names, if it is not `merchant`. Unchecked.'),
  })
  .meta({ id: 'ApprovalCard' })

export const approvalSchema: z.ZodType = z
  .object({
    id: z.string(),
    session: z.string(),
    delegation: z.string(),
    state: z.enum(['waiting', 'approved', 'denied', 'used', 'expired']),
    card: cardSchema,
    createdAt: time,
    expiresAt: time,
  })
  .meta({ id: 'Approval' })

const paymentState = z.enum(['reserved', 'signed', 'claimed', 'in_doubt', 'settled', 'released'])

export const paymentSchema: z.ZodType = z
  .object({
    id: z.string(),
    session: z.string(),
    delegation: z.string(),
    endUser: z.string(),
    instrument: z.string(),
    state: paymentState,
    amount,
    settled: amount.optional(),
    currency: z.string(),
    merchant: z.string(),
    payee: z.string(),
    path: z.string(),
    purpose: z.string().describe('The agent’s words.'),
    network: z.string(),
    asset: z.string(),
    reservedAt: time,
    provenAt: time.optional(),
    claimedTransaction: z.string().optional().describe('The merchant’s claim; never evidence.'),
    evidence: z
      .object({ transaction: z.string().optional(), block: z.string(), reason: z.string() })
      .optional(),
    delivery: z
      .object({
        httpStatus: z.number().int(),
        delivered: z.boolean(),
        contentSha256: z.string(),
        bytes: count,
      })
      .optional(),
    overrun: z.boolean(),
  })
  .meta({ id: 'Payment' })

export const exposureSchema: z.ZodType = z
  .object({
    payments: z.array(
      z.object({
        id: z.string(),
        session: z.string(),
        delegation: z.string(),
        state: paymentState,
        merchant: z.string(),
        payee: z.string(),
        amount,
        currency: z.string(),
        until: time,
        cancellable: z.boolean(),
      }),
    ),
    most: z.array(moneySchema),
    until: time.optional(),
    complete: z.boolean().describe('False where there may be more: then `most` may be too little.'),
  })
  .meta({ id: 'Exposure' })

export const cancellationSchema: z.ZodType = z
  .object({
    payments: z.array(
      z.object({
        id: z.string(),
        outcome: z.enum(['asked', 'refused', 'unavailable', 'unknown']),
        reason: z.string().optional(),
        transaction: z.string().optional(),
      }),
    ),
    asked: count,
    refused: count,
    unavailable: count,
    unknown: count,
    cursor: z.string().optional().describe('Leads on, where there may be more.'),
  })
  .meta({ id: 'Cancellation', description: 'What the rails answered. Never proof.' })

export const archivedSchema: z.ZodType = z
  .object({
    sessions: z.array(z.string()),
    resumed: z.array(z.string()).describe('Of an earlier archive, whose removal was interrupted.'),
    complete: z.boolean().describe('False where there may be more: ask again.'),
    file: z.string().optional().describe('Its name in the folder of the configuration.'),
  })
  .meta({ id: 'Archived' })

const role = z.enum(['administrator', 'manager', 'payer', 'end_user', 'auditor'])

export const keySchema: z.ZodType = z
  .object({
    id: z.string(),
    roles: z.array(role),
    endUser: z.string().optional(),
    label: z.string().optional(),
    state: z.enum(['live', 'revoked', 'expired']),
    createdAt: time,
    expiresAt: time,
    usedAt: time.optional().describe('When it was last used, to within an hour.'),
    overlapEndsAt: time.optional(),
  })
  .meta({ id: 'Key' })

export const issuedKeySchema: z.ZodType = z
  .object({ id: z.string(), key: z.string().describe('Shown here alone.'), expiresAt: time })
  .meta({ id: 'IssuedKey' })

export const callerSchema: z.ZodType = z
  .object({ id: z.string(), roles: z.array(role), endUser: z.string().optional() })
  .meta({ id: 'Caller' })

export const instrumentSchema: z.ZodType = z
  .object({ handle: z.string(), endUser: z.string(), address: z.string().optional() })
  .meta({ id: 'Instrument' })

export const assetSchema: z.ZodType = z
  .object({
    network: z.string(),
    address: z.string(),
    symbol: z.string(),
    currency: z.string(),
    decimals: z.number().int(),
    name: z.string(),
    version: z.string(),
  })
  .meta({ id: 'Asset' })
