/** A count of events in each minute, by name, in this process. */
export interface Rate {
  /**
   * Counts one more call. Returns whether it is within the rate, the first over it, or a later one.
   */
  take(name: string, now: number): 'within' | 'first-over' | 'over'
  /** Takes back one call that was counted in this minute. */
  giveBack(name: string, now: number): void
}

/** Creates a rate of `limit` a minute for each name. */
export function limitRatePerMinute(limit: number): Rate {
  const counts = new Map<string, { minute: number; count: number }>()
  return {
    take: (name, now) => {
      const minute = Math.floor(now / MINUTE_MS)
      const known = counts.get(name)
      const count = known?.minute === minute ? known.count + 1 : 1
      counts.delete(name)
      counts.set(name, { minute, count })
      const oldest = counts.keys().next().value
      if (counts.size > MAX_NAMES && oldest !== undefined) counts.delete(oldest)
      if (count <= limit) return 'within'
      return count === limit + 1 ? 'first-over' : 'over'
    },
    giveBack: (name, now) => {
      const known = counts.get(name)
      if (known?.minute === Math.floor(now / MINUTE_MS)) known.count -= 1
    },
  }
}

/** The number of names that are counted at the same time. Beyond it the oldest are forgotten. */
const MAX_NAMES = 10_000

const MINUTE_MS = 60_000
