import { z } from 'zod'

// Each schema lists the fields of a summary of core, so the description shows what the API returns.
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
    name: z.string().optional().describe('The name that the grant gave it.'),
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
      .describe('The permission at the wallet’s provider, as recorded in the ledger.'),
    createdAt: time,
    expiresAt: time,
    ...spending,
  })
  .meta({ id: 'Delegation' })

/** The address and the assets that fund an instrument. */
export const fundingSchema: z.ZodType = z
  .object({
    instrument: z.string(),
    address: z.string(),
    assets: z.array(z.object({ network: z.string(), address: z.string(), symbol: z.string() })),
    link: z.string().optional().describe('A funding page of the wallet’s provider.'),
  })
  .meta({ id: 'Funding' })

export const endUserSchema: z.ZodType = z
  .object({ endUser: z.string(), createdAt: time, ...spending })
  .meta({ id: 'EndUserLimits' })

export const sessionSchema: z.ZodType = z
  .object({
    id: z.string(),
    delegation: z.string(),
    name: z.string().optional().describe('The name that its creator gave it.'),
    parent: z.string().optional().describe('The session whose budget a child session spends.'),
    payer: z.string().optional().describe('The only caller that can use the session’s token.'),
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
    token: z.string().describe('The session token, for the payer. No other response shows it.'),
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
    agentSays: z.string().describe('The agent’s own words, unchecked.'),
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
    purpose: z.string().describe('The agent’s own words, unchecked.'),
    network: z.string(),
    asset: z.string(),
    reservedAt: time,
    provenAt: time.optional(),
    claimedTransaction: z.string().optional().describe('The merchant’s claim, not evidence.'),
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
    complete: z.boolean().describe('False if payments may be missing, so that `most` is too low.'),
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
    cursor: z.string().optional().describe('Send it as `after` to continue. Absent at the end.'),
  })
  .meta({ id: 'Cancellation', description: 'The answers of the rails. They prove nothing.' })

export const archivedSchema: z.ZodType = z
  .object({
    sessions: z.array(z.string()),
    resumed: z
      .array(z.string())
      .describe('Sessions of an earlier archive whose interrupted removal was finished.'),
    complete: z.boolean().describe('False if more sessions can be archived. Call again.'),
    file: z.string().optional().describe('The name of the new file in the folder for archives.'),
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
    usedAt: time.optional().describe('The last use, to within an hour.'),
    overlapEndsAt: time.optional(),
  })
  .meta({ id: 'Key' })

export const issuedKeySchema: z.ZodType = z
  .object({
    id: z.string(),
    key: z.string().describe('No other response shows it.'),
    expiresAt: time,
  })
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
