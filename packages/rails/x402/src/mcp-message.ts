import { z } from 'zod'
import { type Decoded, MAX_HEADER_LENGTH, readJson } from './wire.ts'

/** Where a proof goes in the `_meta` of a call. */
export const PAYMENT_KEY = 'x402/payment'

/** Where a server says what became of a payment: in `_meta`, or in what tells of a failure. */
const CLAIM_KEY = 'x402/payment-response'

/** The wrapper in which a text has a challenge. */
const WRAPPER_KEY = 'x402/error'

/** The code of a JSON-RPC error that asks for payment. */
const PAYMENT_REQUIRED = 402

const recordSchema = z.record(z.string(), z.unknown())

const messageSchema = z.object({
  result: z
    .object({
      isError: z.boolean().optional(),
      structuredContent: recordSchema.optional(),
      content: z.array(z.unknown()).optional(),
      _meta: recordSchema.optional(),
    })
    .optional(),
  error: z.object({ code: z.number(), data: z.unknown() }).optional(),
})

const textSchema = z.object({ type: z.literal('text'), text: z.string() })

/**
 * Finds a challenge in the answer to a tool call: in a result that says `isError`, or in a JSON-RPC
 * error 402. `undefined` where there is none: in a normal result nothing is a challenge, whatever it
 * looks like.
 */
export function challengeIn(message: unknown): Decoded | undefined {
  const parsed = messageSchema.safeParse(message)
  if (!parsed.success) return undefined
  const { result, error } = parsed.data
  if (error) return error.code === PAYMENT_REQUIRED ? checked(error.data) : undefined
  if (result?.isError !== true) return undefined
  const { structuredContent, content } = result
  const found = unwrapped(structuredContent) ?? unwrapped(textOf(content?.[0]))
  return found && checked(found)
}

/** Finds what the answer says of the payment, and whether it asks for payment again. */
export function claimIn(message: unknown): {
  readonly claim: unknown
  readonly asksAgain: boolean
} {
  const parsed = messageSchema.safeParse(message)
  const result = parsed.success ? parsed.data.result : undefined
  const failure = result?.isError === true ? unwrapped(result.structuredContent) : undefined
  return {
    claim: own(result?._meta, CLAIM_KEY) ?? own(failure, CLAIM_KEY),
    asksAgain: challengeIn(message) !== undefined,
  }
}

type Fields = Readonly<Record<string, unknown>>

/** The challenge itself, or the one in the wrapper. */
function unwrapped(fields: Fields | undefined): Fields | undefined {
  if (fields === undefined) return undefined
  if (Object.hasOwn(fields, 'x402Version')) return fields
  const wrapper = recordSchema.safeParse(own(fields, WRAPPER_KEY))
  const data = recordSchema.safeParse(wrapper.success ? own(wrapper.data, 'data') : undefined)
  return data.success && Object.hasOwn(data.data, 'x402Version') ? data.data : undefined
}

function textOf(content: unknown): Fields | undefined {
  const text = textSchema.safeParse(content)
  const decoded = text.success ? readJson(text.data.text) : undefined
  const fields = recordSchema.safeParse(decoded && 'value' in decoded ? decoded.value : undefined)
  return fields.success ? fields.data : undefined
}

/** As strictly as a header: within its length, and without the key `__proto__`. */
function checked(value: unknown): Decoded {
  const text = JSON.stringify(value) ?? ''
  return text.length > MAX_HEADER_LENGTH
    ? { problem: `is longer than ${MAX_HEADER_LENGTH} characters` }
    : readJson(text)
}

function own(fields: Fields | undefined, key: string): unknown {
  return fields && Object.hasOwn(fields, key) ? fields[key] : undefined
}
