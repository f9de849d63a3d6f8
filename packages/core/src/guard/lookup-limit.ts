import { BursarError } from '../primitives/errors.ts'
import { perMinute } from './rate-limit.ts'

/** A limit on lookups of tokens that this process has not seen: guesses are bounded. */
export interface Strangers {
  /**
   * Finds the owner of a token. A known token is always looked up. Calls that ask while a token is
   * looked up for the first time wait for that result. Only lookups that find nothing count, and
   * each verified `caller` has a rate of its own, so that one who guesses keeps no other caller
   * out. Throws `request_rate_exceeded` over the limit: an unchecked token must not be reported as
   * unknown.
   */
  look<Found>(
    tokenHash: string,
    now: number,
    find: () => Promise<Found | undefined>,
    caller?: string,
  ): Promise<Found | undefined>
  know(tokenHash: string): void
}
/** The most tokens that are remembered as known. Beyond it the oldest are forgotten. */
const MAX_KNOWN_TOKENS = 10_000

export function createStrangers(perMinuteLimit: number): Strangers {
  const known = new Set<string>()
  const looking = new Map<string, Promise<unknown>>()
  const rate = perMinute(perMinuteLimit)
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
        throw tooMany()
      }
      const finding = find()
      const told = finding.then(
        (found) => {
          if (found === undefined) return
          know(tokenHash)
          rate.giveBack(caller, now)
        },
        () => undefined,
      )
      looking.set(tokenHash, told)
      try {
        return await finding
      } finally {
        looking.delete(tokenHash)
      }
    },
  }
}
function tooMany(): BursarError {
  const message =
    'Too many credentials are looked for that this process does not know. Wait a minute.'
  return new BursarError('request_rate_exceeded', message)
}
