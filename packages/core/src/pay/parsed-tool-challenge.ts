import { z } from 'zod'
import { hostField } from '../ledger/merchant.ts'
import { amountField } from '../money/amount-field.ts'
import { canonicalJson } from '../primitives/canonical-json.ts'
import { hashOf } from '../primitives/hash.ts'
import type { ToolChallenge } from '../session/tool-challenge.ts'
import {
  cleanPurpose,
  MAX_REQUEST_BODY_BYTES,
  type ParsedRequest,
  type ResourceRequest,
} from './request.ts'

/** Longest answer of a tool that is read as a challenge, as JSON: twenty honest offers fit well. */
const MAX_CHALLENGE_BYTES = 65_536

/** Longest name of a tool. */
const MAX_TOOL_LENGTH = 128

/** A challenge that was read: the call that it belongs to, and what the rails are to look at. */
export interface ParsedToolChallenge {
  readonly parsed: ParsedRequest
  readonly message: unknown
}

interface ParsedFields extends Pick<ToolChallenge, 'server' | 'tool' | 'arguments' | 'message'> {
  readonly purpose: string
  readonly maxAmount?: bigint | undefined
}

/** What `prove` takes. */
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

/** Reads a challenge that a caller hands in. Bad input is a value that says what is wrong. */
export function parseToolChallenge(
  input: unknown,
  ignored: readonly string[] = [],
): ParsedToolChallenge {
  try {
    const read = toolChallengeInput.safeParse(input)
    if (!read.success) {
      const issue = read.error.issues[0]
      const field = issue?.path.map(String).join('.') || 'the challenge'
      return problem(`${field}: ${issue?.message ?? 'not valid'}`, ignored)
    }
    const message = plainJson(read.data.message, MAX_CHALLENGE_BYTES)
    if (!message)
      return problem(`message: not JSON of at most ${MAX_CHALLENGE_BYTES} bytes`, ignored)
    const given = plainJson(read.data.arguments ?? {}, MAX_REQUEST_BODY_BYTES)
    if (!given)
      return problem(`arguments: not JSON of at most ${MAX_REQUEST_BODY_BYTES} bytes`, ignored)
    const request = requestOf(read.data, canonicalJson(given.value))
    return { parsed: { request, ignored }, message: message.value }
  } catch {
    // A proxy or a getter that throws, or JSON deeper than the stack: whatever it is, it is none.
    return problem('the challenge: cannot be read', ignored)
  }
}

/** The call as the guard works with it: the same server, tool and arguments have the same hash. */
function requestOf(
  { server, tool, purpose, maxAmount }: ParsedFields,
  body: string,
): ResourceRequest {
  return {
    url: new URL(`mcp://${server}/${encodeURIComponent(tool)}`),
    method: 'CALL',
    headers: {},
    body,
    purpose: cleanPurpose(purpose),
    ...(maxAmount === undefined ? {} : { maxMicro: maxAmount }),
    hash: hashOf('tool-call', [server, tool, body]),
  }
}

/** A copy as JSON, without whatever else an object may do when it is looked at. */
export function plainJson(
  value: unknown,
  maxBytes: number,
): { readonly value: unknown } | undefined {
  const text = JSON.stringify(value)
  if (text === undefined || Buffer.byteLength(text) > maxBytes) return undefined
  return { value: JSON.parse(text) }
}

function problem(text: string, ignored: readonly string[]): ParsedToolChallenge {
  return { parsed: { problem: text, ignored }, message: undefined }
}
