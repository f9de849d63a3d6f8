import type { Bursar } from '@bursar/core'
import { z } from 'zod'
import type { OperationName } from '../auth/access.ts'
import type { Caller } from '../auth/caller.ts'
import type { LedgerVerifier } from '../ledger/ledger-verifier.ts'
import { MAX_BODY_BYTES } from './service-limits.ts'

/** The header that carries the session's token; the payer's own key is in `Authorization`. */
export const sessionHeader = 'Bursar-Session'

/** The validated content of a request. The guard validates it again by its own rules. */
export interface Input {
  readonly path: Readonly<Record<string, string>>
  /** The query as its schema parsed it. */
  readonly query: Readonly<Record<string, string | number | boolean | undefined>>
  /** The body as it was sent. Its schema has accepted it. */
  readonly body: unknown
}

/** The arguments of a handler. */
export interface Invocation {
  readonly bursar: Bursar
  readonly caller: Caller
  /** The folder for archives; undefined if none is configured. */
  readonly archives?: string | undefined
  readonly verify: LedgerVerifier
  readonly input: Input
  /** The idempotency key of the request, with the caller's id before it. */
  readonly once: { readonly idempotencyKey?: string }
  /** The token of the header `Bursar-Session`; empty for an operation outside a session. */
  readonly sessionToken: string
  /** Aborts when the peer hangs up. */
  readonly signal: AbortSignal
}

/**
 * The reason why a request can be repeated. A `safe` operation only reads. A `state` operation sets a
 * state, and setting it again changes nothing. A `key` operation is done once for an
 * `Idempotency-Key`. A `call` operation pays once for the call that its body names.
 */
export type Repeat = 'safe' | 'state' | 'key' | 'call'

/** One operation of the API, with its description, its validation and its handler. */
export interface Operation {
  readonly name: OperationName
  readonly method: 'get' | 'post' | 'patch'
  /** The path, with parameters as `{name}`. */
  readonly path: string
  readonly summary: string
  readonly query?: z.ZodType<Input['query']>
  readonly body?: z.ZodType
  readonly maxBodyBytes: number
  readonly result: z.ZodType
  /** The media type of a successful response. `application/jsonl` streams the lines of the handler. */
  readonly mediaType: 'application/json' | 'application/jsonl'
  /** The status of a successful response. */
  readonly status: 200 | 201
  readonly repeat: Repeat
  /** True if the request needs a session token. */
  readonly inSession: boolean
  /** True if a server runs the operation once at a time. A second request is answered `overloaded`. */
  readonly isExclusive: boolean
  /** Returns the body of the response, or an async iterable of lines. */
  handle(invocation: Invocation): Promise<unknown>
}

type Defaulted = 'maxBodyBytes' | 'mediaType' | 'status' | 'inSession' | 'isExclusive'

/** Completes an operation with the defaults of most operations. */
export function defineOperation(
  some: Omit<Operation, Defaulted> & Partial<Pick<Operation, Defaulted>>,
): Operation {
  return {
    maxBodyBytes: MAX_BODY_BYTES,
    mediaType: 'application/json',
    status: 200,
    inSession: false,
    isExclusive: false,
    ...some,
  }
}

/** Creates the schema of one page of a list. */
export function operationPageSchema(row: z.ZodType): z.ZodType {
  const cursor = z
    .string()
    .optional()
    .describe('The cursor of the next page. An empty page has none.')
  return z.object({ rows: z.array(row), cursor })
}

/** Creates the schema of a list's query: the page and the named filters. */
export function operationListQuerySchema(...filters: readonly string[]): z.ZodType<Input['query']> {
  const name = z.string().max(MAX_FILTER_LENGTH).optional()
  return z.strictObject({
    ...Object.fromEntries(filters.map((filter) => [filter, name])),
    after: z
      .string()
      .max(MAX_CURSOR_LENGTH)
      .optional()
      .describe('The `cursor` of the page before.'),
    limit: z.coerce.number().int().min(1).max(MAX_ROWS).optional().describe('Most rows to return.'),
  }) as z.ZodType<Input['query']>
}

/** Reads the requested page from the query of a list. */
export function readOperationPageRequest({ query }: Input): { after?: string; limit?: number } {
  const { after, limit } = query
  return {
    ...(typeof after === 'string' ? { after } : {}),
    ...(typeof limit === 'number' ? { limit } : {}),
  }
}

/** Reads the filters from the query of a list. */
export function readOperationFilter({ query }: Input): Record<string, string> {
  const { after: _after, limit: _limit, ...filters } = query
  return Object.fromEntries(
    Object.entries(filters).filter((one): one is [string, string] => typeof one[1] === 'string'),
  )
}

/** Reads a parameter of the path. */
export function readOperationPathParameter({ path }: Input, name: string): string {
  return path[name] ?? ''
}

/** The most rows of one page. A page of the ledger has the same limit. */
const MAX_ROWS = 500

const MAX_CURSOR_LENGTH = 1_000
const MAX_FILTER_LENGTH = 120
