import { BursarError } from '../primitives/errors.ts'
import { perMinute } from './rate-limit.ts'

/** Tokens that are not known yet: how many may be looked for in vain is limited. */
export interface Strangers {
  /**
   * Finds whom a token belongs to: always, once it is known. Those who ask while it is looked up for
   * the first time wait for what is found. What is found does not count. Each `caller` that was
   * verified has a rate of its own: one that guesses keeps nobody else out.
   * Over it throws `request_rate_exceeded`: of what nobody has looked for, nobody can say that it is none.
   */
  look<Found>(
    tokenHash: string,
    now: number,
    find: () => Promise<Found | undefined>,
    caller?: string,
  ): Promise<Found | undefined>
  know(tokenHash: string): void
}
/** Tokens that are remembered as known; the oldest are forgotten beyond it. */
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
