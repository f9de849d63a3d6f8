import { denialCodes, inputs } from '@bursar/core'
import { z } from 'zod'
import { cardSchema, moneySchema } from './account-schema.ts'

/** Longest name of a conversation, or id of a call: they are hashed, and never stored. */
const MAX_CALL_NAME = 1_000

/** What core takes of a request, as JSON Schema; core alone judges it, and answers with a refusal. */
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
  .describe('With conversation and id, it is paid once however often it is asked.')

/**
 * A paid request and where it comes from. What is wrong with the request is not this API's to refuse:
 * a model may have made it, and is told by the guard, as a value.
 */
export const payBody: z.ZodType = z.strictObject({
  request: z
    .looseObject({})
    .meta({ id: 'PayRequest', properties, ...(required ? { required } : {}) }),
  call: callField,
})

/** What core takes of a challenge of a tool, as JSON Schema; core alone judges it as well. */
const challenge = z.toJSONSchema(inputs.toolChallenge, { io: 'input', unrepresentable: 'any' })

/** A challenge of a tool that the caller has called itself, and where the call comes from. */
export const proveBody: z.ZodType = z.strictObject({
  challenge: z.looseObject({}).meta({
    id: 'ToolChallenge',
    properties: challenge.properties,
    ...(challenge.required ? { required: challenge.required } : {}),
  }),
  call: callField,
})

/** What was answered to the call with the proof. */
export const concludeBody: z.ZodType = z.strictObject({
  message: z
    .unknown()
    .optional()
    .describe('`result` or `error` of the JSON-RPC response. Left out: no answer came.'),
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
    description: 'What the merchant sent. Nothing in it is to be trusted.',
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

const message = z.string().describe('For the model: short, and what to do next.')
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
      status: z.literal('proven'),
      paymentId: z.string(),
      proof: z
        .record(z.string(), z.unknown())
        .describe('For the `_meta` of the call. Money until it is used or expired.'),
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
  .object({ id: z.string(), token: z.string().describe('Shown here alone.') })
  .meta({ id: 'OpenedChild' })
