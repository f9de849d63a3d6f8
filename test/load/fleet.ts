import type { GuardProcess, World } from '../../examples/service/src/world.ts'

/** Servers over one ledger, each in a process of its own, which are ended and started again. */
export interface Fleet {
  /** Where each of them is, whether it runs at the moment or not. */
  readonly urls: readonly string[]
  /** How often one was ended, by the signal. */
  readonly restarts: Readonly<Record<Ending, number>>
  /** Ends the next one in turn, by the next signal in turn, and starts it again where it was. */
  restartNext(): Promise<void>
  /** Asks all of them to end, and waits until they have. */
  stop(): Promise<void>
}

type Ending = 'SIGKILL' | 'SIGTERM'

export async function startFleet(world: World, size: number): Promise<Fleet> {
  const guards: GuardProcess[] = []
  while (guards.length < size) guards.push(await world.startGuard())
  const urls = guards.map(({ url }) => url)
  const restarts: Record<Ending, number> = { SIGKILL: 0, SIGTERM: 0 }
  let turn = 0
  return {
    urls,
    restarts,
    async restartNext() {
      const index = turn % size
      // Each server meets both.
      const signal: Ending = Math.floor(turn / size) % 2 === 0 ? 'SIGKILL' : 'SIGTERM'
      turn += 1
      const guard = guards[index]
      if (!guard) throw new Error('There is no server.')
      guard.kill(signal)
      await guard.ended
      restarts[signal] += 1
      guards[index] = await world.startGuard(new URL(guard.url).port)
    },
    async stop() {
      for (const guard of guards) guard.kill('SIGTERM')
      await Promise.all(guards.map(({ ended }) => ended))
    },
  }
}
