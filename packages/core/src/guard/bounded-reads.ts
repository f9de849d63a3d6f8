import { BursarError } from '../primitives/errors.ts'

/** The reads at the same time. */
const MAX_READS = 8

/** The names that wait for a read. With those that are read they take few of a server's places. */
const MAX_WAITING = 64

/**
 * The reads that strangers cause. Nobody is refused because others asked too often: reads of one name are made one
 * after another, and all who wait for a name share its next read.
 */
export interface BoundedReads {
  /**
   * Reads a name. A read that is urgent comes before the others. Throws `request_rate_exceeded` if too
   * many names wait, which no urgent one does.
   */
  run<Answer>(name: string, isUrgent: boolean, read: () => Promise<Answer>): Promise<Answer>
}

interface Waiting {
  readonly name: string
  readonly start: () => void
}

export function createBoundedReads(): BoundedReads {
  const running = new Map<string, Promise<unknown>>()
  const next = new Map<string, Promise<unknown>>()
  const urgent: Waiting[] = []
  const others: Waiting[] = []
  const startNext = (): void => {
    for (const queue of [urgent, others]) {
      const index = queue.findIndex(({ name }) => !running.has(name))
      if (running.size >= MAX_READS || index < 0) continue
      const [waiting] = queue.splice(index, 1)
      waiting?.start()
    }
  }
  return {
    run: <Answer>(name: string, isUrgent: boolean, read: () => Promise<Answer>) => {
      const shared = next.get(name) as Promise<Answer> | undefined
      if (shared !== undefined) return shared
      const queue = isUrgent ? urgent : others
      if (!isUrgent && queue.length >= MAX_WAITING) return Promise.reject(tooManyReads())
      const reading = new Promise<Answer>((resolve, reject) => {
        const start = (): void => {
          next.delete(name)
          const answering = read().finally(() => {
            running.delete(name)
            startNext()
          })
          running.set(name, answering)
          answering.then(resolve, reject)
        }
        queue.push({ name, start })
      })
      next.set(name, reading)
      startNext()
      return reading
    },
  }
}

function tooManyReads(): BursarError {
  const message = 'Too many credentials are looked for at the same time. Try again.'
  return new BursarError('request_rate_exceeded', message)
}
