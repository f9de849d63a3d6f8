/** A clock that moves only by `advance` and `set`. */
export interface ManualClock {
  /** Returns the time in milliseconds since the epoch. */
  (): number
  advance(ms: number): void
  set(at: number): void
}

/**
 * Creates a clock that starts at a time in milliseconds since the epoch, 2030-01-01 if not given.
 *
 * @example
 * ```ts
 * const clock = manualClock()
 * clock.advance(60_000)
 * ```
 */
export function manualClock(start: number = Date.UTC(2030, 0, 1)): ManualClock {
  let at = start
  return Object.assign(() => at, {
    advance: (ms: number): void => {
      at += ms
    },
    set: (to: number): void => {
      at = to
    },
  })
}
