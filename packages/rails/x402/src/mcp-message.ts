import { z } from 'zod'
import { type Decoded, MAX_HEADER_LENGTH, readWireJson } from './wire.ts'

/** The key of a payload in the `_meta` of a call. */
export const PAYMENT_KEY = 'x402/payment'

/** The key of a server's claim, in `_meta` or in the content of a failure. */
const CLAIM_KEY = 'x402/payment-response'

/** The key under which some servers wrap a challenge in an object. */
const WRAPPER_KEY = 'x402/error'

/** The code of a JSON-RPC error that is a challenge. */
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
 * Finds the challenge in the answer to a tool call: in a result with `isError`, or in a JSON-RPC
 * error 402. Returns undefined if there is none. A result without `isError` is never a challenge.
 */
export function findMcpChallenge(message: unknown): Decoded | undefined {
  const parsed = messageSchema.safeParse(message)
  if (!parsed.success) return undefined
  const { result, error } = parsed.data
  if (error) return error.code === PAYMENT_REQUIRED ? decodeMetaValue(error.data) : undefined
  if (result?.isError !== true) return undefined
  const { structuredContent, content } = result
  const found =
    unwrapMcpChallenge(structuredContent) ?? unwrapMcpChallenge(parseMcpText(content?.[0]))
  return found && decodeMetaValue(found)
}

/** Finds the claim in the answer to a paid tool call. Returns undefined if it makes none. */
export function findMcpClaim(message: unknown): unknown {
  const parsed = messageSchema.safeParse(message)
  const result = parsed.success ? parsed.data.result : undefined
  const failure =
    result?.isError === true ? unwrapMcpChallenge(result.structuredContent) : undefined
  return readOwnMetaValue(result?._meta, CLAIM_KEY) ?? readOwnMetaValue(failure, CLAIM_KEY)
}

type Fields = Readonly<Record<string, unknown>>

/** Returns the challenge, taken out of its wrapper if it has one. */
function unwrapMcpChallenge(fields: Fields | undefined): Fields | undefined {
  if (fields === undefined) return undefined
  if (Object.hasOwn(fields, 'x402Version')) return fields
  const wrapper = recordSchema.safeParse(readOwnMetaValue(fields, WRAPPER_KEY))
  const data = recordSchema.safeParse(
    wrapper.success ? readOwnMetaValue(wrapper.data, 'data') : undefined,
  )
  return data.success && Object.hasOwn(data.data, 'x402Version') ? data.data : undefined
}

function parseMcpText(content: unknown): Fields | undefined {
  const text = textSchema.safeParse(content)
  const decoded = text.success ? readWireJson(text.data.text) : undefined
  const fields = recordSchema.safeParse(decoded && 'value' in decoded ? decoded.value : undefined)
  return fields.success ? fields.data : undefined
}

/**
 * Decodes a value as strictly as a header: within a header's length, and without the key
 * `__proto__`.
 */
function decodeMetaValue(value: unknown): Decoded {
  const text = JSON.stringify(value) ?? ''
  return text.length > MAX_HEADER_LENGTH
    ? { problem: `is longer than ${MAX_HEADER_LENGTH} characters` }
    : readWireJson(text)
}

function readOwnMetaValue(fields: Fields | undefined, key: string): unknown {
  return fields && Object.hasOwn(fields, key) ? fields[key] : undefined
}
