import type { QuoteResult } from '../session/pay-result.ts'

/** How long a quote answers for its key: a framework may quote several times before it pays. */
const QUOTE_LIFE_MS = 60_000

/** QuoteCache that are remembered at the same time; the oldest give way. */
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
