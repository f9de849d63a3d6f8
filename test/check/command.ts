import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'

/** The root of the repository; every tool of it lives in the root's `node_modules/.bin`. */
export const root: string = join(import.meta.dirname, '..', '..')

/** How a command ended. */
export interface CommandResult {
  readonly succeeded: boolean
  /** Standard output alone. */
  readonly output: string
  /** Standard output and standard error, in the order of arrival. */
  readonly everything: string
}

/**
 * Runs a command to its end, in `folder`, whatever that end is. Throws only if it cannot be started.
 *
 * It never reads from the terminal, so a command that asks a question fails instead of waiting.
 */
export function tryCommand(
  command: string,
  args: readonly string[],
  folder: string = root,
): Promise<CommandResult> {
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
  const { promise, resolve, reject } = Promise.withResolvers<CommandResult>()
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, PATH: path, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let everything = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
    everything += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    everything += chunk
  })
  child.on('error', reject)
  child.on('close', (code) => resolve({ succeeded: code === 0, output, everything }))
  return promise
}

/** As `tryCommand`, but throws everything that the command wrote if it fails; returns its standard output. */
export async function runCommand(
  command: string,
  args: readonly string[],
  folder: string = root,
): Promise<string> {
  const { succeeded, output, everything } = await tryCommand(command, args, folder)
  if (!succeeded) throw new Error(`${command} ${args.join(' ')}\n${everything}`)
  return output
}
