/**
 * Counts each crossing of a seam, before and after the call, and ends the process with SIGKILL at
 * the one that was asked for. Every await of a payment is a call of a seam.
 */
export interface Crossings {
  /** How many there were so far. */
  count(): number
  /** A copy of an object whose asynchronous methods count their crossings. */
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
