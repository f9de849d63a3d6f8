/** Runs every example that a docs page mentions, one after the other. Each checks itself. */
import { tryCommand } from './check/command.ts'
import { examples } from './docs/example.ts'

const failed: string[] = []
for (const path of examples()) {
  const { succeeded, everything } = await tryCommand('node', [path])
  console.log(`${succeeded ? 'passed' : 'FAILED'}  ${path}`)
  if (succeeded) continue
  failed.push(path)
  console.log(everything)
}
if (failed.length > 0) process.exitCode = 1
