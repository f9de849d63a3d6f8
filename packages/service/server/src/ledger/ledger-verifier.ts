import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type AuditHead, type Bursar, BursarError, type Verification } from '@bursar/core'

/** Verifies the ledger, as `auditing.verify` does. It ends, with nothing, where the signal aborts. */
export type LedgerVerifier = (
  head: AuditHead | undefined,
  signal: AbortSignal,
) => Promise<Verification>

/** What a worker is started with. */
export interface VerifyTask {
  readonly database: string
  readonly head: AuditHead | undefined
}

/** What a worker answers. */
export type WorkerAnswer =
  | { readonly verification: Verification }
  | { readonly code: string; readonly message: string }

/** Beside this module, as source and as it is published. */
const workerUrl = new URL(`./verify-worker${extname(import.meta.url)}`, import.meta.url)

/**
 * Verifies on another thread, so that paying goes on while all of a ledger is read. A ledger in memory
 * is this thread's alone, and is verified on it.
 */
export function ledgerVerifier(
  database: string,
  { auditing }: Pick<Bursar, 'auditing'>,
): LedgerVerifier {
  if (database === ':memory:') return (head) => auditing.verify({ head })
  return (head, signal) => verifyOnWorker({ database, head }, signal)
}

async function verifyOnWorker(task: VerifyTask, signal: AbortSignal): Promise<Verification> {
  // What this process was started with is about its own entry: `--input-type` would refuse a file.
  const worker = new Worker(workerUrl, { workerData: task, execArgv: [] })
  try {
    const [answer] = (await once(worker, 'message', { signal })) as [WorkerAnswer]
    if ('verification' in answer) return answer.verification
    throw new BursarError(answer.code, answer.message)
  } finally {
    await worker.terminate()
  }
}
