import { z } from 'zod'
import { connectionHeaders } from '../http/connection-headers.ts'
import { amountField } from '../money/amount-field.ts'
import { BursarError } from '../primitives/errors.ts'
import { parseInputFields } from '../primitives/fields.ts'
import { hashOf } from '../primitives/hash.ts'
import { parseResourceUrl } from '../primitives/resource-url.ts'
import { readModelArguments } from '../session/model-arguments.ts'
import type { PayStep } from '../session/pay-result.ts'
import { hashRequest } from './request-hash.ts'

/** A request body is sent twice, so it is kept in memory; larger uploads are not for paid calls. */
export const MAX_REQUEST_BODY_BYTES = 262_144

/** The most headers of a caller: more than any paid resource needs. */
const MAX_HEADERS = 50

/** The most characters of all headers of a caller, which have to fit into one request with a payment payload. */
const MAX_HEADERS_LENGTH = 16_384

/** The longest value of one header of a caller. Credentials of an API fit well. */
const MAX_HEADER_LENGTH = 8_192

/** The longest purpose that is kept, in characters. */
const MAX_PURPOSE_LENGTH = 200

/** The most unknown arguments that are recorded, and the longest name of one. */
const MAX_IGNORED = 10
const MAX_IGNORED_LENGTH = 40

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Headers of the connection or of the guard, which are left out of a caller's request. */
const droppedHeaders: ReadonlySet<string> = new Set(['accept-encoding', ...connectionHeaders])

/** Headers that carry payloads: only the guard makes those. */
const proofHeader = /^(x-payment|payment-|x-402)/

const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]{1,100}$/

/** A parsed request. It may be sent if the session allows its host. */
export interface ResourceRequest {
  readonly url: URL
  /** The HTTP method, or `CALL` for a tool of an MCP server. */
  readonly method: (typeof methods)[number] | 'CALL'
  /** The caller's headers, by lower-case names in their order. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly purpose: string
  readonly maxMicro?: bigint
  /** The SHA-256 of `hashRequest`: identical requests have equal hashes. */
  readonly hash: string
}

/** The result of parsing a request: the request, or a problem, and the names of unknown arguments. */
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

/** The fields of a request that are read. Other fields are ignored, and recorded by name. */
export const payRequestInput: z.ZodType = fields

/**
 * Parses the request of a model or a caller. Returns a `problem` for bad input, and never throws.
 * `leftOut` are the names of arguments that an adapter has not passed on.
 */
export function parseRequest(input: unknown, leftOut: readonly string[] = []): ParsedRequest {
  try {
    return readRequest(input, leftOut)
  } catch {
    // A proxy or a getter that throws is no request.
    return { problem: 'the arguments: cannot be read', ignored: [] }
  }
}

function readRequest(input: unknown, leftOut: readonly string[]): ParsedRequest {
  const given = readModelArguments(input)
  const ignored = listUnknownRequestArguments(given, leftOut)
  const parsed = fields.safeParse(given)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const field = issue?.path.map(printableArgumentName).join('.') || 'the arguments'
    return { problem: `${field}: ${issue?.message ?? 'not valid'}`, ignored }
  }
  const { method, purpose, maxAmount } = parsed.data
  try {
    const url = parseResourceUrl(parsed.data.url)
    const body = readRequestBody(parsed.data.body, method)
    const headers = readRequestHeaders(parsed.data.headers, body, parsed.data.body)
    return {
      request: {
        url,
        method,
        headers,
        ...(body === undefined ? {} : { body }),
        purpose: cleanRequestPurpose(purpose),
        ...(maxAmount === undefined ? {} : { maxMicro: maxAmount }),
        hash: hashRequest(method, url, headers, body),
      },
      ignored,
    }
  } catch (error) {
    if (BursarError.isInstance(error)) return { problem: error.message, ignored }
    throw error
  }
}

/** Checks whether the guard itself dials the merchant. Otherwise the host is the caller's word. */
export function isDialledRequest({ url }: Pick<ResourceRequest, 'url'>): boolean {
  return url.protocol !== 'mcp:'
}

/** The parsed `Call` of a request. */
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

/** Parses a `Call`. Throws `invalid_input`: a bad call is the application's mistake. */
export function parseRequestCall(call: unknown, what: string): ParsedCall {
  return parseInputFields(callInput, { call }, what).call
}

/** Returns the key of a call, or undefined if conversation or id is missing. */
export function requestCallKey({ conversation, id }: ParsedCall): string | undefined {
  return conversation && id ? hashOf('key', [conversation, id]) : undefined
}

function readRequestBody(body: unknown, method: string): string | undefined {
  if (body === undefined || body === null || body === '') return undefined
  const takesNone = method === 'GET' || method === 'HEAD'
  if (takesNone && isEmptyRequestBody(body)) return undefined
  if (takesNone) throw requestRefused(`body: ${method} takes none`)
  // A lone surrogate becomes U+FFFD on the wire, and the hash has to cover the bytes on the wire.
  const text = typeof body === 'string' ? body.toWellFormed() : writeRequestJson(body)
  if (Buffer.byteLength(text) > MAX_REQUEST_BODY_BYTES) {
    throw requestRefused(`body: longer than ${MAX_REQUEST_BODY_BYTES} bytes`)
  }
  return text
}

/** Checks whether a body holds nothing: blanks, or an object or array without members. */
function isEmptyRequestBody(body: unknown): boolean {
  if (typeof body === 'string') return body.trim() === ''
  return typeof body === 'object' && body !== null && Object.keys(body).length === 0
}

const JSON_TYPE = 'application/json'

/** Returns the content type of a text for which the caller names none. */
function requestContentType(body: string): string {
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value === 'object' && value !== null) return JSON_TYPE
  } catch {
    // Text that is no JSON is plain text.
  }
  return 'text/plain'
}

function writeRequestJson(body: unknown): string {
  try {
    const text = JSON.stringify(body)
    if (text !== undefined) return text
  } catch {
    // A cycle or a bigint has no JSON: refused below.
  }
  throw requestRefused('body: neither text nor JSON')
}

function readRequestHeaders(
  named: Readonly<Record<string, string>>,
  body: string | undefined,
  given: unknown,
): Record<string, string> {
  const headers = new Map<string, string>()
  for (const [name, value] of Object.entries(named)) {
    const lower = name.toLowerCase()
    if (proofHeader.test(lower)) throw requestRefused(`headers: ${lower} is made by the guard only`)
    if (droppedHeaders.has(lower)) continue
    if (!headerName.test(lower) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw requestRefused(`headers: a name or value that HTTP does not allow`)
    }
    if (headers.has(lower)) throw requestRefused(`headers: ${lower} is given twice`)
    headers.set(lower, value.trim())
  }
  const length = [...headers].reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (length > MAX_HEADERS_LENGTH) {
    throw requestRefused(`headers: longer than ${MAX_HEADERS_LENGTH} characters together`)
  }
  if (headers.size > MAX_HEADERS) throw requestRefused(`headers: more than ${MAX_HEADERS}`)
  if (body !== undefined && !headers.has('content-type')) {
    headers.set('content-type', typeof given === 'string' ? requestContentType(body) : JSON_TYPE)
  }
  return Object.fromEntries([...headers].sort(([left], [right]) => (left < right ? -1 : 1)))
}

/** Cuts a purpose, and removes invisible and text-turning characters: people read it in a dialog. */
export function cleanRequestPurpose(purpose: string): string {
  return (
    purpose
      .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]+/gu, ' ')
      .trim()
      .slice(0, MAX_PURPOSE_LENGTH)
      // The cut may have left half of a character.
      .replace(/\p{Cs}$/u, '')
  )
}

function listUnknownRequestArguments(input: unknown, leftOut: readonly string[]): string[] {
  const given = typeof input === 'object' && input !== null ? Object.keys(input) : []
  return given
    .filter((name) => !Object.hasOwn(fields.shape, name))
    .concat(leftOut)
    .slice(0, MAX_IGNORED)
    .map(printableArgumentName)
}

/** Returns a name that the caller made up as short, printable ASCII. */
function printableArgumentName(name: PropertyKey): string {
  return String(name)
    .slice(0, MAX_IGNORED_LENGTH)
    .replace(/[^\x20-\x7e]/g, '?')
}

function requestRefused(problem: string): BursarError {
  return new BursarError('request_refused', problem)
}
