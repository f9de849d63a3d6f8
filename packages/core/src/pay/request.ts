import { z } from 'zod'
import { amountField } from '../money/amount-field.ts'
import { BursarError } from '../primitives/errors.ts'
import { parseInput } from '../primitives/fields.ts'
import { hashOf } from '../primitives/hash.ts'
import { parseResourceUrl } from '../primitives/resource-url.ts'
import type { PayStep } from '../session/pay-result.ts'

/** A request body is sent twice, so it is kept in memory; larger uploads are not for paid calls. */
export const MAX_REQUEST_BODY_BYTES = 262_144

/** More headers than a caller of a paid resource sets. */
const MAX_HEADERS = 50

/** All headers of a caller together: with a proof they still have to fit into one request. */
const MAX_HEADERS_LENGTH = 16_384

/** Longest header value of a caller; credentials of an API fit well. */
const MAX_HEADER_LENGTH = 8_192

/** What is kept of the agent's words. */
const MAX_PURPOSE_LENGTH = 200

/** How many unknown arguments are recorded, and how long a name may be there. */
const MAX_IGNORED = 10
const MAX_IGNORED_LENGTH = 40

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Headers that belong to the connection or to the guard: left out, whoever sets them. */
const droppedHeaders = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Headers that carry proofs: only the guard makes those. */
const proofHeader = /^(x-payment|payment-|x-402)/

const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]{1,100}$/

/** A request that was parsed and may be sent, if the session allows its host. */
export interface ResourceRequest {
  readonly url: URL
  /** `CALL` for a tool of an MCP server. */
  readonly method: (typeof methods)[number] | 'CALL'
  /** Lower-case names, sorted. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly purpose: string
  readonly maxMicro?: bigint
  /** SHA-256 of method, URL, headers and body. */
  readonly hash: string
}

/** What a caller's request turned out to be; unknown arguments are named either way. */
export type ParsedRequest =
  | { readonly request: ResourceRequest; readonly ignored: readonly string[] }
  | { readonly problem: string; readonly ignored: readonly string[] }

const fields = z.object({
  url: z.string(),
  method: z
    .string()
    .transform((text) => text.toUpperCase())
    .pipe(z.enum(methods))
    .default('GET'),
  headers: z.record(z.string(), z.string().max(MAX_HEADER_LENGTH)).default({}),
  body: z.unknown().optional(),
  purpose: z.string().default(''),
  maxAmount: amountField.optional(),
})

/** What of a request is read; whatever else it has is ignored, and recorded by its name. */
export const payRequestInput: z.ZodType = fields

/**
 * Parses what a model or a caller asks for. Bad input is a value that says what is wrong.
 * `leftOut` are names of arguments that an adapter has not passed on.
 */
export function parseRequest(input: unknown, leftOut: readonly string[] = []): ParsedRequest {
  try {
    return readRequest(input, leftOut)
  } catch {
    // A proxy or a getter that throws: whatever it is, it is no request.
    return { problem: 'the arguments: cannot be read', ignored: [] }
  }
}

function readRequest(input: unknown, leftOut: readonly string[]): ParsedRequest {
  const ignored = unknownArguments(input, leftOut)
  const parsed = fields.safeParse(input)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const field = issue?.path.map(shownName).join('.') || 'the arguments'
    return { problem: `${field}: ${issue?.message ?? 'not valid'}`, ignored }
  }
  const { method, purpose, maxAmount } = parsed.data
  try {
    const url = parseResourceUrl(parsed.data.url)
    const body = readBody(parsed.data.body, method)
    const headers = readHeaders(parsed.data.headers, parsed.data.body)
    return {
      request: {
        url,
        method,
        headers,
        ...(body === undefined ? {} : { body }),
        purpose: cleanPurpose(purpose),
        ...(maxAmount === undefined ? {} : { maxMicro: maxAmount }),
        hash: requestHash(method, url, headers, body),
      },
      ignored,
    }
  } catch (error) {
    if (BursarError.isInstance(error)) return { problem: error.message, ignored }
    throw error
  }
}

/** Whether the guard itself dials the merchant: only who it dialled is known to be the host. */
export function isDialled({ url }: Pick<ResourceRequest, 'url'>): boolean {
  return url.protocol !== 'mcp:'
}

/** A call as the guard works with it. */
export interface ParsedCall {
  readonly conversation?: string | undefined
  readonly id?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly ignored?: readonly string[] | undefined
  readonly onProgress?: ((step: PayStep) => void) | undefined
}

const callInput: z.ZodType<{ readonly call: ParsedCall }> = z.object({
  call: z.object({
    conversation: z.string().optional(),
    id: z.string().optional(),
    signal: z
      .custom<AbortSignal>((one) => one instanceof AbortSignal, 'must be a signal')
      .optional(),
    ignored: z.array(z.string()).optional(),
    onProgress: z
      .custom<(step: PayStep) => void>((one) => typeof one === 'function', 'must be a function')
      .optional(),
  }),
})

/** Parses where a request comes from. What is wrong is the application's mistake, and is thrown. */
export function parseCall(call: unknown, what: string): ParsedCall {
  return parseInput(callInput, { call }, what).call
}

/** Makes the key of a call: both parts are needed, or there is none. */
export function callKey({ conversation, id }: ParsedCall): string | undefined {
  return conversation && id ? hashOf('key', [conversation, id]) : undefined
}

function requestHash(
  method: string,
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string | undefined,
): string {
  return hashOf('request', [method, url.href, JSON.stringify(headers), body ?? null])
}

function readBody(body: unknown, method: string): string | undefined {
  if (body === undefined || body === null || body === '') return undefined
  if (method === 'GET' || method === 'HEAD') throw notAllowed(`body: ${method} takes none`)
  // What is hashed is what is sent: on the wire a lone surrogate becomes U+FFFD.
  const text = typeof body === 'string' ? body.toWellFormed() : toJson(body)
  if (Buffer.byteLength(text) > MAX_REQUEST_BODY_BYTES) {
    throw notAllowed(`body: longer than ${MAX_REQUEST_BODY_BYTES} bytes`)
  }
  return text
}

function toJson(body: unknown): string {
  try {
    const text = JSON.stringify(body)
    if (text !== undefined) return text
  } catch {
    // A cycle or a bigint: it has no JSON, and the answer below says so.
  }
  throw notAllowed('body: neither text nor JSON')
}

function readHeaders(
  given: Readonly<Record<string, string>>,
  body: unknown,
): Record<string, string> {
  const headers = new Map<string, string>()
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase()
    if (proofHeader.test(lower)) throw notAllowed(`headers: ${lower} is made by the guard only`)
    if (droppedHeaders.has(lower)) continue
    if (!headerName.test(lower) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw notAllowed(`headers: a name or value that HTTP does not allow`)
    }
    if (headers.has(lower)) throw notAllowed(`headers: ${lower} is given twice`)
    headers.set(lower, value.trim())
  }
  const length = [...headers].reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (length > MAX_HEADERS_LENGTH) {
    throw notAllowed(`headers: longer than ${MAX_HEADERS_LENGTH} characters together`)
  }
  if (headers.size > MAX_HEADERS) throw notAllowed(`headers: more than ${MAX_HEADERS}`)
  const isJson = body !== undefined && body !== null && typeof body !== 'string'
  if (isJson && !headers.has('content-type')) headers.set('content-type', 'application/json')
  return Object.fromEntries([...headers].sort(([left], [right]) => (left < right ? -1 : 1)))
}

/** People read it in a list or a dialog: nothing in it may be unseen, or turn the text around it. */
export function cleanPurpose(purpose: string): string {
  return (
    purpose
      .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]+/gu, ' ')
      .trim()
      .slice(0, MAX_PURPOSE_LENGTH)
      // The cut may have left half of a character.
      .replace(/\p{Cs}$/u, '')
  )
}

function unknownArguments(input: unknown, leftOut: readonly string[]): string[] {
  const given = typeof input === 'object' && input !== null ? Object.keys(input) : []
  return given
    .filter((name) => !Object.hasOwn(fields.shape, name))
    .concat(leftOut)
    .slice(0, MAX_IGNORED)
    .map(shownName)
}

/** A name that the caller made up, as it may stand in a record or a message. */
function shownName(name: PropertyKey): string {
  return String(name)
    .slice(0, MAX_IGNORED_LENGTH)
    .replace(/[^\x20-\x7e]/g, '?')
}

function notAllowed(problem: string): BursarError {
  return new BursarError('request_refused', problem)
}
