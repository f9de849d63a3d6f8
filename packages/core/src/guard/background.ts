/**
 * Work that no answer waits for. A failure becomes a process warning; `drain` waits until all work
 * has ended.
 */
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
        // A failing warning must not keep the guard from closing.
        .catch(() => undefined)
        .finally(() => running.delete(ended))
      running.add(ended)
    },
    drain: async () => {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
