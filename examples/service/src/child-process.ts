import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The environment of a process: all of it, for nothing is inherited. */
export type Environment = Readonly<Record<string, string>>

/** A process of the story. */
export interface ChildProcess {
  readonly pid: number
  /** The first line that it prints. Rejects if it ends without one. */
  readonly firstLine: Promise<string>
  /** Resolves to the exit code of the process, or to the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  kill(signal: NodeJS.Signals): void
}

/** Starts a file of this folder, or what is named by its URL, in a process of its own. */
export function startProcess(file: string | URL, environment: Environment): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = spawn(process.execPath, [path], {
    env: { ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number)
  const lines = createInterface({ input: child.stdout })
  const firstLine = Promise.race([
    once(lines, 'line').then(([line]) => String(line)),
    ended.then((how) => Promise.reject(new Error(`${file} ended with ${how} and said nothing.`))),
  ])
  // Whoever does not ask for the line is not told that there was none.
  firstLine.catch(() => {})
  return { pid: child.pid ?? 0, firstLine, ended, kill: (signal) => void child.kill(signal) }
}
