import { BursarError } from './errors.ts'

/** Throws `timed_out` where an answer takes longer; the work goes on, and nobody waits for it. */
export async function withinTime<Result>(
  answer: Promise<Result>,
  timeoutMs: number,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new BursarError('timed_out', `There was no answer within ${timeoutMs} ms.`))
    }, timeoutMs)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
