import { BursarError } from '../primitives/errors.ts'
import { limitRatePerMinute } from './rate-limit.ts'

/** A limit of look-ups of tokens that this process does not know. */
export interface Strangers {
  /**
   * Looks a token up with `find`. A known token is always looked up; calls during a token's first look-up
   * wait for it. Only failed look-ups count, each verified `caller` at a rate of its own.
   * Throws `request_rate_exceeded` over the limit: an unchecked token must not be reported as unknown.
   */
  look<Found>(
    tokenHash: string,
    now: number,
    find: () => Promise<Found | undefined>,
    caller?: string,
  ): Promise<Found | undefined>
  /** Remembers a token that this process has issued or found. */
  know(tokenHash: string): void
}

/** The number of tokens that are remembered as known. Beyond it the oldest are forgotten. */
const MAX_KNOWN_TOKENS = 10_000

/** Creates a limit of failed look-ups a minute, for each verified caller. */
export function createUnknownLookupLimit(perMinuteLimit: number): Strangers {
  const known = new Set<string>()
  const looking = new Map<string, Promise<unknown>>()
  const rate = limitRatePerMinute(perMinuteLimit)
  const know = (tokenHash: string): void => {
    known.delete(tokenHash)
    known.add(tokenHash)
    const oldest = known.values().next().value
    if (known.size > MAX_KNOWN_TOKENS && oldest !== undefined) known.delete(oldest)
  }
  return {
    know,
    async look(tokenHash, now, find, caller = '') {
      if (!known.has(tokenHash) && looking.has(tokenHash)) await looking.get(tokenHash)
      if (known.has(tokenHash)) {
        know(tokenHash)
        return await find()
      }
      if (rate.take(caller, now) !== 'within') {
        rate.giveBack(caller, now)
        throw lookupRateExceeded()
      }
      const finding = find()
      const found = finding.then(
        (owner) => {
          if (owner === undefined) return
          know(tokenHash)
          rate.giveBack(caller, now)
        },
        () => undefined,
      )
      looking.set(tokenHash, found)
      try {
        return await finding
      } finally {
        looking.delete(tokenHash)
      }
    },
  }
}

function lookupRateExceeded(): BursarError {
  const message =
    'Too many credentials are looked for that this process does not know. Wait a minute.'
  return new BursarError('request_rate_exceeded', message)
}
