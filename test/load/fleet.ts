import type { GuardProcess, World } from '../../examples/service/src/world.ts'

/** The servers over one ledger, each in a process of its own, which are killed and restarted. */
export interface Fleet {
  /** The URL of each server, whether it runs at the moment or not. */
  readonly urls: readonly string[]
  /** The number of restarts, by the signal that ended the server. */
  readonly restarts: Readonly<Record<Ending, number>>
  /** Ends the next server in turn, by the next signal in turn, and restarts it at the same URL. */
  restartNext(): Promise<void>
  /** Stops all servers and waits for their ends. */
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
      // Each server gets both signals in turn.
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
