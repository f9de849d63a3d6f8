import { BursarError } from './errors.ts'

/**
 * Throws `timed_out` where an answer takes longer, and what the signal is aborted with where it is; the
 * work goes on, and nobody waits for it.
 */
export async function withinTime<Result>(
  answer: Promise<Result>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Result> {
  let end = (_reason: unknown): void => {}
  const ended = new Promise<never>((_resolve, reject) => {
    end = reject
  })
  const timer = setTimeout(() => {
    end(new BursarError('timed_out', `There was no answer within ${timeoutMs} ms.`))
  }, timeoutMs)
  const abort = (): void => end(signal?.reason)
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  try {
    return await Promise.race([answer, ended])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
