import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import {
  type Bench,
  benchTrailOf,
  everyRowOnBench,
  firstBrokenBenchRecord,
  type StoreTest,
} from './bench.ts'
import {
  plantSample,
  sampleDelegation,
  sampleLimits,
  sampleNote,
  sampleSession,
} from './samples.ts'
import type { StoreWork, StoreWorkDone } from './store-process.ts'

/** A way to start processes over the data of a test. */
export interface Processes {
  /** Starts a process. Calls `onDone` after each commit there, with the number so far. */
  start(
    work: StoreWork,
    onDone?: (count: number, child: ChildProcess) => void,
  ): Promise<readonly StoreWorkDone[]>
}

/** Creates a starter of a store's script over one place. */
export function processes(script: string, place: string): Processes {
  return {
    async start(work, onDone) {
      const child = fork(script, [place, JSON.stringify(work)])
      const done: StoreWorkDone[] = []
      child.on('message', (message: StoreWorkDone) => {
        done.push(message)
        onDone?.(done.length, child)
      })
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
      if (code !== 0 && signal !== 'SIGKILL') throw new Error(`${script} ended with ${code}.`)
      return done
    },
  }
}

/** The number of commits of each process. */
const COMMITS = 40

/** A number of commits that a process does not reach before it is killed. */
const ENDLESS = 1_000_000

/** The number of commits after which a process is killed. */
const KILLED_AFTER = 50

/** Tests several processes over the same data, and the data that a killed one leaves. */
export function testProcesses(
  { test, expect }: StoreTest,
  processesOf: (bench: Bench) => Processes,
): void {
  test('processes hold one limit exactly, and write one chain', async (bench) => {
    const { store } = bench
    const session = await plantSessionForProcesses(bench, BigInt(COMMITS))
    const { start } = processesOf(bench)
    const work = { session, commits: COMMITS, atOnce: 20 }
    const done = await Promise.all(['one', 'two'].map((name) => start({ ...work, name })))
    const results = done.flat().map(({ result }) => result)
    expect(results.filter((result) => result === 'reserved').length).toBe(COMMITS)
    expect(results.filter((result) => result === 'over').length).toBe(COMMITS)
    const state = await store.read({ session })
    expect(state.session?.usage.heldMicro).toBe(BigInt(COMMITS))
    const trail = await benchTrailOf(store)
    expect(trail.length).toBe(1 + 2 * COMMITS)
    expect(firstBrokenBenchRecord(trail)).toBe(0)
  })
  test('a key that processes use at once is pinned to one payment', async (bench) => {
    const session = await plantSessionForProcesses(bench, 1_000_000n)
    const { start } = processesOf(bench)
    const work = { session, name: 'shared', commits: COMMITS, atOnce: 10 }
    const done = (await Promise.all([start(work), start(work)])).flat()
    const reserved = done.filter(({ result }) => result === 'reserved').map(({ key }) => key)
    expect([done.length, reserved.length, new Set(reserved).size]).toEqual([
      2 * COMMITS,
      COMMITS,
      COMMITS,
    ])
    const rows = await everyRowOnBench((page) => bench.store.payments({ session }, page))
    expect(rows.length).toBe(COMMITS)
  })
  for (const atOnce of [1, 100]) {
    test(`what resolved before a process was killed is there (${atOnce} at once)`, async (bench) => {
      const session = await plantSessionForProcesses(bench, 1_000_000n)
      const work = { session, name: 'killed', commits: ENDLESS, atOnce }
      const done = await processesOf(bench).start(work, (count, child) => {
        if (count === KILLED_AFTER) child.kill('SIGKILL')
      })
      // A commit waits for what is still done for the process that is gone.
      const store = await bench.open()
      await store.commit({}, () => ({ result: 0, events: [sampleNote('after')] }), 'now')
      const payments = await everyRowOnBench((page) => store.payments({ session }, page))
      const kept = new Set(payments.map(({ key }) => key))
      expect(done.filter(({ key }) => !kept.has(key))).toEqual([])
      // Rows and records of a commit are there together, or not at all.
      expect((await store.read({ session })).session?.usage.heldMicro).toBe(BigInt(payments.length))
      const trail = await benchTrailOf(store)
      expect(trail.length).toBe(payments.length + 2)
      expect(firstBrokenBenchRecord(trail)).toBe(0)
    })
  }
}

async function plantSessionForProcesses({ store }: Bench, totalMicro: bigint): Promise<string> {
  const delegation = sampleDelegation()
  const session = sampleSession(delegation.id, { limits: sampleLimits(totalMicro) })
  await plantSample(store, delegation, session)
  return session.id
}
