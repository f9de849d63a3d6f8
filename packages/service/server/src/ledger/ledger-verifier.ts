import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type AuditHead, type Bursar, BursarError, type Verification } from '@bursar/core'

/** Verifies the ledger like `auditing.verify`. Rejects if the signal aborts. */
export type LedgerVerifier = (
  head: AuditHead | undefined,
  signal: AbortSignal,
) => Promise<Verification>

/** The input of a worker. */
export interface VerifyTask {
  readonly database: string
  readonly head: AuditHead | undefined
}

/** The answer of a worker: the result, or the code and message of an error. */
export type WorkerAnswer =
  | { readonly verification: Verification }
  | { readonly code: string; readonly message: string }

/** The worker's module, which lies beside this one both in the source and in the build. */
const workerUrl = new URL(`./verify-worker${extname(import.meta.url)}`, import.meta.url)

/**
 * Creates a verifier that runs on a thread of its own, so that payments continue while the whole
 * ledger is read. A ledger in memory exists on this thread only, and is verified on this thread.
 */
export function ledgerVerifier(
  database: string,
  { auditing }: Pick<Bursar, 'auditing'>,
): LedgerVerifier {
  if (database === ':memory:') return (head) => auditing.verify({ head })
  return (head, signal) => verifyLedgerOnWorker({ database, head }, signal)
}

async function verifyLedgerOnWorker(task: VerifyTask, signal: AbortSignal): Promise<Verification> {
  // Flags of this process would break the worker: with `--input-type`, Node refuses to run a file.
  const worker = new Worker(workerUrl, { workerData: task, execArgv: [] })
  try {
    const [answer] = (await once(worker, 'message', { signal })) as [WorkerAnswer]
    if ('verification' in answer) return answer.verification
    throw new BursarError(answer.code, answer.message)
  } finally {
    await worker.terminate()
  }
}
