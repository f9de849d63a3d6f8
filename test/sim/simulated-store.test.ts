import { testStore } from '@bursar/core/testing'
import { describe, expect, test } from 'vitest'
import { emptyDisk } from './disk.ts'
import { simulatedStore } from './simulated-store.ts'

// What the simulation builds on keeps the promises that real stores keep.
testStore(
  'simulatedStore',
  async () => {
    const disk = emptyDisk()
    return {
      place: 'memory',
      open: async (clock) =>
        simulatedStore({
          disk,
          clock,
          later: async (_label, work) => {
            await new Promise((resolve) => setImmediate(resolve))
            return work()
          },
          afterwards: (_label, work) => work(),
          fate: () => 'written',
          isAlive: () => true,
          runsAgain: false,
          onWrite: () => {},
        }),
    }
  },
  { describe, test, expect },
  'one_process_only',
)
