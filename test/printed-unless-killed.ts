import { spawn } from 'node:child_process'

/**
 * Runs a script in a process of its own and returns its output. Returns undefined if it was killed.
 * Throws its error output if it failed in another way.
 */
export function printedUnlessKilled(
  script: string,
  values: readonly string[],
): Promise<string | undefined> {
  const child = spawn(process.execPath, [script, ...values], { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  let problems = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    problems += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(undefined)
      else if (code === 0) resolve(printed)
      else reject(new Error(`${script} ended with ${code}: ${problems}`))
    })
  })
}
