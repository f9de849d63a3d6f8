import { parentPort, workerData } from 'node:worker_threads'
import { BursarError, verifyLedger } from '@bursar/core'
import type { VerifyTask, WorkerAnswer } from './ledger-verifier.ts'
import { openStore } from './open-guard.ts'

/** One verification on a thread of its own, by a connection of its own: `ledger-verifier.ts` starts it. */
const { database, head } = workerData as VerifyTask
parentPort?.postMessage(await runVerification())

async function runVerification(): Promise<WorkerAnswer> {
  try {
    const store = await openStore(database)
    try {
      return { verification: await verifyLedger(store, head) }
    } finally {
      await store.close()
    }
  } catch (error) {
    // Between threads an error loses what kind it is.
    if (BursarError.isInstance(error)) return { code: error.code, message: error.message }
    throw error
  }
}
