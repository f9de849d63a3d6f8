import { testStore } from '@bursar/core/testing'
import { describe, expect, test } from 'vitest'
import { emptyLedger } from './memory-ledger.ts'
import { memoryStore } from './memory-store.ts'

// #region test
testStore(
  'memoryStore',
  async () => {
    const ledger = emptyLedger()
    return { place: 'memory', open: async (clock) => memoryStore(ledger, clock) }
  },
  { describe, test, expect },
  'one_process_only',
)
// #endregion
