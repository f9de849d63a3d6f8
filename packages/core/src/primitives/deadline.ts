import { BursarError } from './errors.ts'

/**
 * Waits for a promise, at most `timeoutMs`.
 *
 * Throws `timed_out` at the deadline, and the signal's reason when the signal is aborted. The work behind
 * the promise goes on either way.
 */
export async function withinDeadline<Result>(
  pending: Promise<Result>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Result> {
  let stopWaiting = (_reason: unknown): void => {}
  const stopped = new Promise<never>((_resolve, reject) => {
    stopWaiting = reject
  })
  const timer = setTimeout(() => {
    stopWaiting(new BursarError('timed_out', `There was no answer within ${timeoutMs} ms.`))
  }, timeoutMs)
  const abort = (): void => stopWaiting(signal?.reason)
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  try {
    return await Promise.race([pending, stopped])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
