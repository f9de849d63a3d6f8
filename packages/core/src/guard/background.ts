/**
 * The promises that no caller awaits. Reports their errors to the operator; `drain` waits for all.
 */
export interface Background {
  run(what: string, work: Promise<unknown>): void
  drain(): Promise<void>
}

/** Creates the background of a guard. `warn` hears each error. */
export function createBackground(warn: (what: string, error: unknown) => void): Background {
  const running = new Set<Promise<unknown>>()
  return {
    run: (what, work) => {
      const ended: Promise<unknown> = work
        .catch((error: unknown) => warn(what, error))
        // An error in `warn` itself must not keep the guard from closing.
        .catch(() => undefined)
        .finally(() => running.delete(ended))
      running.add(ended)
    },
    drain: async () => {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
