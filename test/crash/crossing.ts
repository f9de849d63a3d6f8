/**
 * A counter of the calls to a seam, before and after each, which ends the process with SIGKILL at
 * the requested crossing. Every await of a payment is a call of a seam.
 */
export interface Crossings {
  /** The number of crossings so far. */
  count(): number
  /** Returns a copy of an object whose asynchronous methods count their crossings. */
  watch<Seam extends object>(seam: Seam, methods: readonly (keyof Seam)[]): Seam
  cross(): void
}

export function crossings(killAt: number): Crossings {
  let crossed = 0
  const cross = (): void => {
    if (crossed === killAt) process.kill(process.pid, 'SIGKILL')
    crossed += 1
  }
  return {
    count: () => crossed,
    cross,
    watch: (seam, methods) => {
      const watched = { ...seam }
      for (const method of methods) {
        const original = seam[method]
        if (typeof original !== 'function') throw new Error(`${String(method)} is no method`)
        Object.assign(watched, {
          [method]: async (...parameters: unknown[]) => {
            cross()
            const result = await original.apply(seam, parameters)
            cross()
            return result
          },
        })
      }
      return watched
    },
  }
}
