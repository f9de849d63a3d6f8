import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'

/** The root of the repository. All tools are in its `node_modules/.bin`. */
export const root: string = join(import.meta.dirname, '..', '..')

/** The result of a command. */
export interface CommandResult {
  readonly succeeded: boolean
  /** The standard output alone. */
  readonly output: string
  /** The standard output and error, in the order of arrival. */
  readonly everything: string
}

/**
 * Runs a command in `folder` to its end, also if it fails. Throws if it cannot be started. The
 * command has no input, so that one that asks a question fails instead of waiting.
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

/** Runs a command and returns its standard output. Throws all of its output if it fails. */
export async function runCommand(
  command: string,
  args: readonly string[],
  folder: string = root,
): Promise<string> {
  const { succeeded, output, everything } = await tryCommand(command, args, folder)
  if (!succeeded) throw new Error(`${command} ${args.join(' ')}\n${everything}`)
  return output
}
