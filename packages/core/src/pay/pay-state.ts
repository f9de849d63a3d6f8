import type { Guard } from '../guard/guard.ts'
import { createQuoteCache, type QuoteCache } from './quote-cache.ts'
import { createUnansweredPayloads, type UnansweredPayloads } from './unanswered-payloads.ts'

/** The memory of one process about the calls that pay. It is lost with the process, and nothing durable rests on it. */
export interface PayState {
  /** Calls with an idempotency key that are in flight in this process, by session and key. */
  readonly flights: Map<string, Flight>
  readonly quotes: QuoteCache
  /** Payloads that were handed out and whose response has not been heard yet. */
  readonly payloads: UnansweredPayloads
}

/** The guard together with the memory that paying needs. */
export type PayGuard = Guard & PayState

/** A call in flight: another call with the same key joins it instead of paying again. */
export interface Flight {
  readonly requestHash: string
  /** The signal that aborts the leading call. A call that joins has a signal of its own. */
  readonly signal: AbortSignal | undefined
  readonly result: Promise<{ readonly status: string }>
}

/** Creates the empty memory of a process that begins to pay. */
export function createPayState(): PayState {
  return { flights: new Map(), quotes: createQuoteCache(), payloads: createUnansweredPayloads() }
}
