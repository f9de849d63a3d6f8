import type { QuoteResult } from '../session/pay-result.ts'

/** The time for which a quote is reused for its key: a framework may quote often before it pays. */
const QUOTE_LIFE_MS = 60_000

/** The most quotes that are remembered at the same time. Beyond it the oldest are forgotten. */
const MAX_QUOTES = 1_000

/** The quotes of this process, by session and key. Paying decides anew. */
export interface QuoteCache {
  /** Returns the quote of an identical request, or undefined if there is none or it has expired. */
  find(name: string, requestHash: string, now: number): QuoteResult | undefined
  keep(name: string, requestHash: string, result: QuoteResult, now: number): void
}

export function createQuoteCache(): QuoteCache {
  const kept = new Map<
    string,
    { readonly requestHash: string; readonly result: QuoteResult; readonly until: number }
  >()
  return {
    find: (name, requestHash, now) => {
      const quote = kept.get(name)
      return quote && quote.requestHash === requestHash && now < quote.until
        ? quote.result
        : undefined
    },
    keep: (name, requestHash, result, now) => {
      kept.delete(name)
      kept.set(name, { requestHash, result, until: now + QUOTE_LIFE_MS })
      if (kept.size > MAX_QUOTES) kept.delete(`${kept.keys().next().value}`)
    },
  }
}
