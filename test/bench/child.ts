import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Runs Node.js with these arguments in a folder, and parses its output as JSON. */
export async function jsonOf(args: readonly string[], folder: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder })
  return JSON.parse(stdout)
}
