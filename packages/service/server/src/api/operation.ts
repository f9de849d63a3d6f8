import type { Bursar } from '@bursar/core'
import { z } from 'zod'
import type { OperationName } from '../auth/access.ts'
import type { Caller } from '../auth/caller.ts'
import type { LedgerVerifier } from '../ledger/ledger-verifier.ts'
import { MAX_BODY_BYTES } from './service-limits.ts'

/** The header that carries the session's token; the payer's own key is in `Authorization`. */
export const sessionHeader = 'Bursar-Session'

/** Everything that a request brought. The guard parses it again, by its own rules. */
export interface Input {
  readonly path: Readonly<Record<string, string>>
  /** As the query's schema has parsed it. */
  readonly query: Readonly<Record<string, string | number | boolean | undefined>>
  /** As it was sent, once the body's schema has accepted it. */
  readonly body: unknown
}

/** What a handler is given: who calls, what was asked for, and the guard. */
export interface Invocation {
  readonly bursar: Bursar
  readonly caller: Caller
  /** The folder for archives, where one is configured. */
  readonly archives?: string | undefined
  readonly verify: LedgerVerifier
  readonly input: Input
  /** For operations that are done once for an idempotency key. */
  readonly once: { readonly idempotencyKey?: string }
  /** Of the header `Bursar-Session`, for a payer. */
  readonly sessionToken: string
  /** Aborted when the peer hangs up. */
  readonly signal: AbortSignal
}

/**
 * How the same request is sent again without doing it twice. `safe` reads; `state` writes a state, and
 * the same again changes nothing; `key` is done once for an `Idempotency-Key`; `call` is paid once for
 * the call that its body names.
 */
export type Repeat = 'safe' | 'state' | 'key' | 'call'

/** One operation of the API: what describes it is what validates it and what carries it out. */
export interface Operation {
  readonly name: OperationName
  readonly method: 'get' | 'post' | 'patch'
  /** With parameters as `{name}`. */
  readonly path: string
  readonly summary: string
  readonly query?: z.ZodType<Input['query']>
  readonly body?: z.ZodType
  readonly maxBodyBytes: number
  readonly result: z.ZodType
  /** What a success is answered with, if it is not JSON. */
  readonly mediaType: 'application/json' | 'application/jsonl'
  readonly status: 200 | 201
  readonly repeat: Repeat
  /** True for what a payer does within its session. */
  readonly inSession: boolean
  /** True for what one at a time is enough of for a server. */
  readonly isExclusive: boolean
  /** Answers what is sent as JSON, or lines that are streamed. */
  handle(invocation: Invocation): Promise<unknown>
}

type Defaulted = 'maxBodyBytes' | 'mediaType' | 'status' | 'inSession' | 'isExclusive'

/** An operation with what most of them have. */
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

/** A page of a list, as every list answers it. */
export function pageSchema(row: z.ZodType): z.ZodType {
  const cursor = z.string().optional().describe('Leads to the next page; absent on an empty one.')
  return z.object({ rows: z.array(row), cursor })
}

/** The query of a list: which page, and whose rows. */
export function listQuerySchema(...filters: readonly string[]): z.ZodType<Input['query']> {
  const name = z.string().max(MAX_FILTER_LENGTH).optional()
  return z.strictObject({
    ...Object.fromEntries(filters.map((filter) => [filter, name])),
    after: z.string().max(MAX_CURSOR_LENGTH).optional().describe('The cursor of a page.'),
    limit: z.coerce.number().int().min(1).max(MAX_ROWS).optional().describe('Rows at most.'),
  }) as z.ZodType<Input['query']>
}

/** The page that a query asks for, as the facets take it. */
export function readPageRequest({ query }: Input): { after?: string; limit?: number } {
  const { after, limit } = query
  return {
    ...(typeof after === 'string' ? { after } : {}),
    ...(typeof limit === 'number' ? { limit } : {}),
  }
}

/** The filters that a query has. */
export function readFilter({ query }: Input): Record<string, string> {
  const { after: _after, limit: _limit, ...filters } = query
  return Object.fromEntries(
    Object.entries(filters).filter((one): one is [string, string] => typeof one[1] === 'string'),
  )
}

/** A part of the path. */
export function readPathParameter({ path }: Input, name: string): string {
  return path[name] ?? ''
}

/** Rows of one page of the API: as many as a page of the ledger has. */
const MAX_ROWS = 500

const MAX_CURSOR_LENGTH = 1_000
const MAX_FILTER_LENGTH = 120
