import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'

/** The line that anvil prints once it accepts connections. */
const listeningPattern = /Listening on 127\.0\.0\.1:(\d+)/

/**
 * A shell script that becomes the given program. It leaves behind a reader of this process's pipe,
 * which kills the program when the pipe closes. The pipe closes however this process ends, even by
 * SIGKILL.
 */
const tetheredScript =
  'exec 3<&0; (read -r _ <&3; kill $$) >/dev/null 2>&1 & exec "$@" 3<&- </dev/null'

/** A running anvil: an Ethereum chain in a process of its own. */
export interface Anvil {
  readonly rpcUrl: string
  readonly processId: number
  /** Kills the process. Resolves when it is gone. */
  stop(): Promise<void>
}

/**
 * Starts anvil on a free port of the loopback interface. Throws if anvil is not installed for this
 * machine.
 *
 * Every transaction is mined at once. A block is mined every second as well, so that blocks become
 * final without traffic. With an epoch of one slot a block is final two blocks later.
 */
export async function startAnvil(): Promise<Anvil> {
  const child = spawnAnvil(findAnvilBinary(), [
    '--port=0',
    '--accounts=0',
    '--auto-impersonate',
    '--slots-in-an-epoch=1',
    '--mixed-mining',
    '--block-time=1',
  ])
  const exited = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  try {
    const port = await readAnvilPort(child)
    return { rpcUrl: `http://127.0.0.1:${port}`, processId: child.pid as number, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function spawnAnvil(binary: string, options: readonly string[]): ChildProcess {
  if (process.platform !== 'win32') {
    return spawn('/bin/sh', ['-c', tetheredScript, 'sh', binary, ...options])
  }
  const child = spawn(binary, options)
  const kill = (): boolean => child.kill()
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  return child
}

/** Resolves with the port once anvil listens. Rejects if anvil ends before. */
function readAnvilPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = ''
    const readOutput = (chunk: Buffer): void => {
      output += chunk.toString()
      const port = listeningPattern.exec(output)?.[1]
      if (port === undefined) return
      child.stdout?.off('data', readOutput).resume()
      child.stderr?.off('data', readOutput).resume()
      resolve(Number(port))
    }
    child.stdout?.on('data', readOutput)
    child.stderr?.on('data', readOutput)
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      reject(new Error(`Anvil ended (${signal ?? code}) before it listened. Its output: ${output}`))
    })
  })
}

/**
 * Finds this machine's binary among the dependencies of @foundry-rs/anvil. Throws if there is none.
 */
function findAnvilBinary(): string {
  const require = createRequire(import.meta.url)
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const file = process.platform === 'win32' ? 'anvil.exe' : 'anvil'
  const name = `@foundry-rs/anvil-${process.platform}-${architecture}`
  try {
    const anvil = createRequire(require.resolve('@foundry-rs/anvil/package.json'))
    return anvil.resolve(`${name}/bin/${file}`)
  } catch (cause) {
    throw new Error(`Anvil is not installed for this machine. Install ${name}.`, { cause })
  }
}
