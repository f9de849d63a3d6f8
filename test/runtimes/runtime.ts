import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { runCommand } from '../check/command.ts'

/** A JavaScript runtime, and how it runs a bundled agent. */
export interface Runtime {
  readonly name: string
  /** The npm package and version of the runtime; undefined for the running Node. */
  readonly release?: string
  readonly entry: 'script.ts' | 'worker.ts'
  /** Runs `agent.js` of a folder, and returns the JSON text that the agent prints. */
  run(folder: string): Promise<string>
}

export const runtimes: readonly Runtime[] = [
  {
    name: 'node',
    entry: 'script.ts',
    run: (folder) => runCommand(process.execPath, ['agent.js'], folder),
  },
  {
    name: 'deno',
    release: '2.9.6',
    entry: 'script.ts',
    // The agent may reach the service only, without files or environment.
    run: (folder) =>
      runCommand(program(folder, 'deno'), ['run', '--allow-net=127.0.0.1', 'agent.js'], folder),
  },
  {
    name: 'bun',
    release: '1.4.5',
    entry: 'script.ts',
    run: (folder) => runCommand(program(folder, 'bun'), ['agent.js'], folder),
  },
  { name: 'workerd', release: '1.20261117.1', entry: 'worker.ts', run: askWorker },
]

function program(folder: string, name: string): string {
  return join(folder, 'node_modules', '.bin', name)
}

/** Starts the worker, sends it one request, and ends it. */
async function askWorker(folder: string): Promise<string> {
  copyFileSync(join(import.meta.dirname, 'worker.capnp'), join(folder, 'worker.capnp'))
  const args = ['serve', '--control-fd=1', 'worker.capnp']
  const child = spawn(program(folder, 'workerd'), args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  try {
    // The worker prints its port, or exits.
    const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended])
    const { port } = JSON.parse(line) as { readonly port: number }
    return await (await fetch(`http://127.0.0.1:${port}`)).text()
  } finally {
    child.kill()
    await ended
  }
}
