/** Work that no answer waits for. What fails is told to the operator; `drain` waits for the rest. */
export interface Background {
  run(what: string, work: Promise<unknown>): void
  drain(): Promise<void>
}
export function createBackground(warn: (what: string, error: unknown) => void): Background {
  const running = new Set<Promise<unknown>>()
  return {
    run: (what, work) => {
      const ended: Promise<unknown> = work
        .catch((error: unknown) => warn(what, error))
        // Whoever cannot be told does not keep the guard from closing.
        .catch(() => undefined)
        .finally(() => running.delete(ended))
      running.add(ended)
    },
    drain: async () => {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
