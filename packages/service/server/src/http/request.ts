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
 * Reads what a request brings for an operation, and validates all of it: path, query, headers, body.
 * Throws `invalid_input` with the field, or what is wrong with the body as a whole. `carry` is told of the
 * body's bytes, and throws where they are too many.
 */
export async function readInvocation(
  operation: Operation,
  request: Request,
  path: Readonly<Record<string, string>>,
  who: Pick<Invocation, 'bursar' | 'caller' | 'archives' | 'verify'>,
  carry: (bytes: number) => void,
): Promise<Invocation> {
  const { name, query, body, inSession } = operation
  const token = request.headers.get(sessionHeader)
  if (inSession && !sessionTokenField.safeParse(token).success) throw sessionTokenError()
  const given = request.headers.get('idempotency-key')
  const key =
    given === null
      ? undefined
      : validateInput(idempotencyKeyField, given, `${name}: Idempotency-Key`)
  const input: Input = {
    path,
    query: validateInput(query ?? noQuery, readQuery(request), name) as Input['query'],
    body: await readBody(operation, request, carry),
  }
  if (body) validateInput(body, input.body, name)
  const { id, roles } = who.caller
  return {
    ...who,
    // A payer's records name it already: its session does.
    bursar: inSession ? who.bursar : { ...who.bursar, ...who.bursar.as({ id, roles }) },
    input,
    // A key is its caller's: nobody meets another's operation by guessing it.
    once: key === undefined ? {} : { idempotencyKey: `${who.caller.id} ${key}` },
    sessionToken: inSession ? (token ?? '') : '',
    signal: request.signal,
  }
}

const noQuery = z.strictObject({})

/** A name that is given twice is a mistake, and which one was meant nobody knows. */
function readQuery(request: Request): Record<string, string> {
  const found: Record<string, string> = Object.create(null)
  if (!request.url.includes('?')) return found
  const { searchParams } = new URL(request.url)
  for (const [name, value] of searchParams) {
    if (name in found) throw new BursarError('invalid_input', 'The query has a name twice.')
    found[name] = value
  }
  return found
}

/** The body as JSON; without one, an empty object, which a schema accepts where all is optional. */
async function readBody(
  { body, maxBodyBytes }: Operation,
  request: Request,
  carry: (bytes: number) => void,
): Promise<unknown> {
  const bytes = await readBoundedBytes(request, body ? maxBodyBytes : 0, carry)
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
 * A body whose length is said comes in one piece: HTTP holds the peer to it. Any other is counted while it
 * is read.
 */
async function readBoundedBytes(
  request: Request,
  most: number,
  carry: (bytes: number) => void,
): Promise<Uint8Array> {
  const bodyTooLargeError = (): BursarError =>
    new BursarError('body_too_large', `The body may have ${most} bytes.`)
  const length = request.headers.get('content-length')
  if (Number(length ?? 0) > most) throw bodyTooLargeError()
  if (request.method === 'GET') return new Uint8Array()
  carry(Number(length ?? 0))
  const whole =
    length === null ? await readCountedBytes(request, most, carry) : await request.arrayBuffer()
  if (whole === undefined || whole.byteLength > most) throw bodyTooLargeError()
  return new Uint8Array(whole)
}

/** `undefined` for more than `most` bytes: the rest is not read. */
async function readCountedBytes(
  request: Request,
  most: number,
  carry: (bytes: number) => void,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.length
    if (size > most) return undefined
    carry(chunk.length)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function sessionTokenError(): BursarError {
  return new BursarError('invalid_input', `${sessionHeader}: has to be the token of a session.`)
}

function validateInput<Output>(schema: z.ZodType<Output>, input: unknown, what: string): Output {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue?.path.map(String).join('.') || 'the request'
  throw new BursarError('invalid_input', `${what}: ${field}: ${issue?.message ?? 'is not valid'}.`)
}
