/** A clock that moves only when it is told to. */
export interface ManualClock {
  /** Milliseconds since the epoch. */
  (): number
  advance(ms: number): void
  set(at: number): void
}

/** Makes a clock for a store in tests: `sqliteStore({ path, clock: manualClock() })`. */
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
