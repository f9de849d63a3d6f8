import { denialCodes, inputs } from '@bursar/core'
import { z } from 'zod'
import { cardSchema, moneySchema } from './account-schema.ts'

/** The longest name of a conversation or id of a call. The guard hashes them and stores the hash only. */
const MAX_CALL_NAME = 1_000

/** The request as JSON Schema, for the description. The guard validates it and answers with a denial. */
const { properties, required } = z.toJSONSchema(inputs.payRequest, {
  io: 'input',
  unrepresentable: 'any',
})

const callField = z
  .strictObject({
    conversation: z.string().max(MAX_CALL_NAME).optional(),
    id: z.string().max(MAX_CALL_NAME).optional(),
    ignored: z.array(z.string().max(MAX_CALL_NAME)).max(100).optional(),
  })
  .optional()
  .describe(
    'Identifies the call. With `conversation` and `id` it is paid once, however often sent.',
  )

/**
 * The body of a paid request. Only its outer shape is validated here: a model may have written the
 * request, and the guard answers an invalid one with a denial for the model.
 */
export const payBody: z.ZodType = z.strictObject({
  request: z
    .looseObject({})
    .meta({ id: 'PayRequest', properties, ...(required ? { required } : {}) }),
  call: callField,
})

/** The challenge of a tool as JSON Schema, for the description. The guard validates it. */
const challenge = z.toJSONSchema(inputs.toolChallenge, { io: 'input', unrepresentable: 'any' })

/** The body with the challenge of a tool that the caller called itself. */
export const proveBody: z.ZodType = z.strictObject({
  challenge: z.looseObject({}).meta({
    id: 'ToolChallenge',
    properties: challenge.properties,
    ...(challenge.required ? { required: challenge.required } : {}),
  }),
  call: callField,
})

/** The answer to the call that carried the payload. */
export const concludeBody: z.ZodType = z.strictObject({
  message: z
    .unknown()
    .optional()
    .describe('`result` or `error` of the JSON-RPC response. Leave it out if no response came.'),
})

const response = z
  .object({
    status: z.number().int(),
    headers: z.record(z.string(), z.string()),
    body: z.base64(),
    truncated: z.boolean(),
  })
  .meta({
    id: 'ResourceResponse',
    description: 'The merchant’s response, untrusted.',
  })

const receipt = z
  .object({
    paymentId: z.string(),
    amount: z.string(),
    currency: z.string(),
    merchant: z.string(),
    payee: z.string(),
    network: z.string(),
    asset: z.string(),
    at: z.iso.datetime(),
    settlement: z.enum(['claimed', 'settled']),
    transaction: z.string().optional(),
    contentSha256: z.string().optional(),
  })
  .meta({ id: 'Receipt' })

const message = z.string().describe('A short text for the model, with the next step.')
const remaining = moneySchema

const results = [
  z.object({
    status: z.literal('paid'),
    receipt,
    response: response.optional(),
    remaining,
    code: z.literal('content_not_kept').optional(),
    message,
  }),
  z.object({ status: z.literal('free'), response, remaining, message }),
  z.object({
    status: z.literal('denied'),
    code: z.enum(denialCodes),
    message,
    remaining: remaining.optional(),
  }),
  z.object({
    status: z.literal('approval_required'),
    code: z.literal('approval_required'),
    approval: z.object({ id: z.string(), card: cardSchema, expiresAt: z.iso.datetime() }),
    message,
    remaining,
  }),
  z.object({
    status: z.literal('undelivered'),
    receipt,
    response: response.optional(),
    remaining,
    message,
  }),
  z.object({
    status: z.literal('in_doubt'),
    paymentId: z.string(),
    response: response.optional(),
    remaining,
    message,
  }),
  z.object({ status: z.literal('in_progress'), paymentId: z.string().optional(), message }),
  z.object({
    status: z.literal('failed'),
    code: z.enum(['wallet_unavailable', 'credential_expired']).optional(),
    message,
    remaining: remaining.optional(),
  }),
] as const

export const payResultSchema: z.ZodType = z.union(results).meta({ id: 'PayResult' })

export const quoteResultSchema: z.ZodType = z
  .union([
    z.object({
      status: z.literal('payable'),
      price: moneySchema,
      merchant: z.string(),
      remaining,
      message,
    }),
    ...results,
  ])
  .meta({ id: 'QuoteResult' })

export const proveResultSchema: z.ZodType = z
  .union([
    z.object({
      status: z.literal('signed'),
      paymentId: z.string(),
      payload: z
        .record(z.string(), z.unknown())
        .describe('For the `_meta` of the call. It is worth money until it is used or expires.'),
    }),
    ...results,
  ])
  .meta({ id: 'ProveResult' })

export const sessionStatusSchema: z.ZodType = z
  .object({
    id: z.string(),
    state: z.enum(['open', 'revoked', 'expired', 'locked', 'unknown']),
    currency: z.string().optional(),
    total: z.string().optional(),
    settled: z.string().optional(),
    held: z.string().optional(),
    remaining: z.string().optional(),
    payments: z.number().int().optional(),
    expiresAt: z.iso.datetime().optional(),
  })
  .meta({ id: 'SessionStatus' })

export const openedChildSchema: z.ZodType = z
  .object({ id: z.string(), token: z.string().describe('No other response shows it.') })
  .meta({ id: 'OpenedChild' })
