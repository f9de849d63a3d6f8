import { z } from 'zod'
import { hostField } from '../ledger/merchant.ts'
import { amountField } from '../money/amount-field.ts'
import { canonicalJson } from '../primitives/canonical-json.ts'
import { hashOf } from '../primitives/hash.ts'
import type { ToolChallenge } from '../session/tool-challenge.ts'
import {
  cleanRequestPurpose,
  MAX_REQUEST_BODY_BYTES,
  type ParsedRequest,
  type ResourceRequest,
} from './request.ts'

/**
 * The longest answer of a tool that is read as a challenge, as JSON: twenty honest offers fit well.
 */
const MAX_CHALLENGE_BYTES = 65_536

/** The longest name of a tool. */
const MAX_TOOL_LENGTH = 128

/** A challenge that was read: the call that it belongs to, and the message for the rails. */
export interface ParsedToolChallenge {
  readonly parsed: ParsedRequest
  readonly message: unknown
}

interface ParsedFields extends Pick<ToolChallenge, 'server' | 'tool' | 'arguments' | 'message'> {
  readonly purpose: string
  readonly maxAmount?: bigint | undefined
}

/** The schema of `prove`'s input. */
export const toolChallengeInput: z.ZodType<ParsedFields, ToolChallenge> = z.strictObject({
  server: hostField,
  tool: z
    .string()
    .max(MAX_TOOL_LENGTH)
    .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII'),
  arguments: z.unknown().optional(),
  message: z.unknown(),
  purpose: z.string().default(''),
  maxAmount: amountField.optional(),
})

/** Reads a challenge that a caller hands in. Returns a `problem` for bad input, and never throws. */
export function parseToolChallenge(
  input: unknown,
  ignored: readonly string[] = [],
): ParsedToolChallenge {
  try {
    const read = toolChallengeInput.safeParse(input)
    if (!read.success) {
      const issue = read.error.issues[0]
      const field = issue?.path.map(String).join('.') || 'the challenge'
      return refuseChallenge(`${field}: ${issue?.message ?? 'not valid'}`, ignored)
    }
    const message = plainChallengeJson(read.data.message, MAX_CHALLENGE_BYTES)
    if (!message)
      return refuseChallenge(`message: not JSON of at most ${MAX_CHALLENGE_BYTES} bytes`, ignored)
    const given = plainChallengeJson(read.data.arguments ?? {}, MAX_REQUEST_BODY_BYTES)
    if (!given)
      return refuseChallenge(
        `arguments: not JSON of at most ${MAX_REQUEST_BODY_BYTES} bytes`,
        ignored,
      )
    const request = toolCallRequest(read.data, canonicalJson(given.value))
    return { parsed: { request, ignored }, message: message.value }
  } catch {
    // A proxy or a getter that throws, or JSON deeper than the stack, is no challenge.
    return refuseChallenge('the challenge: cannot be read', ignored)
  }
}

/** Returns the call as a request. Equal server, tool and arguments give an equal hash. */
function toolCallRequest(
  { server, tool, purpose, maxAmount }: ParsedFields,
  body: string,
): ResourceRequest {
  return {
    url: new URL(`mcp://${server}/${encodeURIComponent(tool)}`),
    method: 'CALL',
    headers: {},
    body,
    purpose: cleanRequestPurpose(purpose),
    ...(maxAmount === undefined ? {} : { maxMicro: maxAmount }),
    hash: hashOf('tool-call', [server, tool, body]),
  }
}

/** Returns a plain JSON copy, without getters. Returns undefined if there is none within the bound. */
export function plainChallengeJson(
  value: unknown,
  maxBytes: number,
): { readonly value: unknown } | undefined {
  const text = JSON.stringify(value)
  if (text === undefined || Buffer.byteLength(text) > maxBytes) return undefined
  return { value: JSON.parse(text) }
}

function refuseChallenge(text: string, ignored: readonly string[]): ParsedToolChallenge {
  return { parsed: { problem: text, ignored }, message: undefined }
}
