import { BursarError } from '@bursar/core'
import { z } from 'zod'
import { type Input, type Invocation, type Operation, sessionHeader } from '../api/operation.ts'
import { MAX_IDEMPOTENCY_KEY, MIN_IDEMPOTENCY_KEY } from '../api/service-limits.ts'

const idempotencyKeyField = z
  .string()
  .min(MIN_IDEMPOTENCY_KEY)
  .max(MAX_IDEMPOTENCY_KEY)
  .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII characters')

/** The form of a session token: the guard answers for a token that belongs to no session. */
const sessionTokenField = z.string().regex(/^bursar_ses_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$/)

/**
 * Reads the path, query, headers and body of a request, and validates them for an operation. Calls
 * `countBytes` with the size of the body, which throws if it is too much.
 *
 * Throws `invalid_input` with the name of the field, `body_too_large`, `unsupported_media_type` or
 * `malformed_body`.
 */
export async function readRequestInvocation(
  operation: Operation,
  request: Request,
  path: Readonly<Record<string, string>>,
  source: Pick<Invocation, 'bursar' | 'caller' | 'archives' | 'verify'>,
  countBytes: (bytes: number) => void,
): Promise<Invocation> {
  const { name, query, body, inSession } = operation
  const token = request.headers.get(sessionHeader)
  if (inSession && !sessionTokenField.safeParse(token).success) throw requestTokenError()
  const header = request.headers.get('idempotency-key')
  const key =
    header === null
      ? undefined
      : validateRequestInput(idempotencyKeyField, header, `${name}: Idempotency-Key`)
  const input: Input = {
    path,
    query: validateRequestInput(
      query ?? noQuery,
      readRequestQuery(request),
      name,
    ) as Input['query'],
    body: await readRequestBody(operation, request, countBytes),
  }
  if (body) validateRequestInput(body, input.body, name)
  const { bursar, caller } = source
  const { id, roles } = caller
  return {
    ...source,
    // Records within a session are attributed to its payer already.
    bursar: inSession ? bursar : { ...bursar, ...bursar.as({ id, roles }) },
    input,
    // With the caller's id in it, a guessed key cannot match another caller's operation.
    once: key === undefined ? {} : { idempotencyKey: `${id} ${key}` },
    sessionToken: inSession ? (token ?? '') : '',
    signal: request.signal,
  }
}

const noQuery = z.strictObject({})

/** Reads the query. Throws `invalid_input` if a name is given twice: its value would be ambiguous. */
function readRequestQuery(request: Request): Record<string, string> {
  const query: Record<string, string> = Object.create(null)
  if (!request.url.includes('?')) return query
  const { searchParams } = new URL(request.url)
  for (const [name, value] of searchParams) {
    if (name in query) {
      throw new BursarError('invalid_input', 'The query has the same name twice. Send it once.')
    }
    query[name] = value
  }
  return query
}

/** Reads the body as JSON. Returns an empty object if the request has no body. */
async function readRequestBody(
  { body, maxBodyBytes }: Operation,
  request: Request,
  countBytes: (bytes: number) => void,
): Promise<unknown> {
  const bytes = await readBoundedRequestBytes(request, body ? maxBodyBytes : 0, countBytes)
  if (!body || bytes.length === 0) return {}
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    throw new BursarError('unsupported_media_type', 'Send the body as application/json.')
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new BursarError('malformed_body', 'The body is not JSON in UTF-8.')
  }
}

/**
 * Reads a body of at most `maxBytes`. A body with a declared length is read in one piece, as HTTP cuts
 * it there; any other body is counted while it is read. Throws `body_too_large`.
 */
async function readBoundedRequestBytes(
  request: Request,
  maxBytes: number,
  countBytes: (bytes: number) => void,
): Promise<Uint8Array> {
  const bodyTooLargeError = (): BursarError =>
    new BursarError(
      'body_too_large',
      `The body is too large. At most ${maxBytes} bytes are allowed.`,
    )
  const length = request.headers.get('content-length')
  if (Number(length ?? 0) > maxBytes) throw bodyTooLargeError()
  if (request.method === 'GET') return new Uint8Array()
  countBytes(Number(length ?? 0))
  const whole =
    length === null
      ? await readCountedRequestBytes(request, maxBytes, countBytes)
      : await request.arrayBuffer()
  if (whole === undefined || whole.byteLength > maxBytes) throw bodyTooLargeError()
  return new Uint8Array(whole)
}

/** Reads a body while counting it. Returns undefined after `maxBytes`, without reading the rest. */
async function readCountedRequestBytes(
  request: Request,
  maxBytes: number,
  countBytes: (bytes: number) => void,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.length
    if (size > maxBytes) return undefined
    countBytes(chunk.length)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function requestTokenError(): BursarError {
  return new BursarError('invalid_input', `${sessionHeader}: must be the token of a session.`)
}

function validateRequestInput<Output>(
  schema: z.ZodType<Output>,
  input: unknown,
  what: string,
): Output {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue?.path.map(String).join('.') || 'the request'
  throw new BursarError('invalid_input', `${what}: ${field}: ${issue?.message ?? 'is not valid'}.`)
}
