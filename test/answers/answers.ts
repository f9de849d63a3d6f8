import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createAnsweringServer, PAID_SECONDS } from './answering-server.ts'

/** The results of the calls of one run. */
export interface AnswersReport {
  readonly answers: number
  /** The number of calls with each status. */
  readonly statuses: Readonly<Record<string, number>>
  /** The longest call, in milliseconds. */
  readonly longestMs: number
}

/** The statuses that a call may end with. A denial or a question would mean that the world is wrong. */
const expected = ['free', 'paid', 'undelivered', 'in_doubt', 'failed', 'denied']

/** The longest that a call may take: both deadlines, and time for a busy machine. */
const MAX_CALL_MS = (PAID_SECONDS + 1) * 1_000 + 10_000

/**
 * Has a process of its own pay at a server whose answers are odd, and counts the results. Throws if that process
 * ends before its calls, or if a call ends late or with another status.
 */
export async function runAnswers(
  answers: number,
  seed: number,
  onProgress: (done: number) => void = () => undefined,
): Promise<AnswersReport> {
  const server = createAnsweringServer(seed).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const program = fileURLToPath(new URL('caller.ts', import.meta.url))
  const caller = spawn(process.execPath, [program, `${port}`, `${answers}`, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(caller, 'exit')
  const statuses: Record<string, number> = {}
  let [done, longestMs] = [0, 0]
  try {
    for await (const line of createInterface({ input: caller.stdout })) {
      const { nth, status, ms } = JSON.parse(line) as { nth: number; status: string; ms: number }
      if (!expected.includes(status) || ms > MAX_CALL_MS) {
        throw new Error(`Answer ${nth} of seed ${seed} ended as ${status} after ${ms} ms.`)
      }
      statuses[status] = (statuses[status] ?? 0) + 1
      longestMs = Math.max(longestMs, ms)
      done += 1
      onProgress(done)
    }
    const [code, signal] = await exited
    if (code !== 0 || done !== answers) {
      throw new Error(
        `The process ended with ${code ?? signal} after ${done} answers of seed ${seed}.`,
      )
    }
    return { answers, statuses, longestMs }
  } finally {
    caller.kill()
    server.close()
  }
}
