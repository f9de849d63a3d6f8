import { parentPort, workerData } from 'node:worker_threads'
import { BursarError, verifyLedger } from '@bursar/core'
import type { VerifyTask, WorkerAnswer } from './ledger-verifier.ts'
import { openStore } from './open-guard.ts'

// Runs one verification on its own thread and connection. `ledger-verifier.ts` starts this module.
const { database, head } = workerData as VerifyTask
parentPort?.postMessage(await verifyInWorker())

async function verifyInWorker(): Promise<WorkerAnswer> {
  try {
    const store = await openStore(database)
    try {
      return { verification: await verifyLedger(store, head) }
    } finally {
      await store.close()
    }
  } catch (error) {
    // An error loses its class and code between threads.
    if (BursarError.isInstance(error)) return { code: error.code, message: error.message }
    throw error
  }
}
