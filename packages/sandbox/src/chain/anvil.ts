import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'

/** What anvil says on its output once it accepts connections. */
const listeningPattern = /Listening on 127\.0\.0\.1:(\d+)/

/**
 * Turns into the program that it is given, and leaves behind a reader of our pipe that ends that
 * program when the pipe closes: when this process ends in any way, even by SIGKILL.
 */
const tetheredScript =
  'exec 3<&0; (read -r _ <&3; kill $$) >/dev/null 2>&1 & exec "$@" 3<&- </dev/null'

/** A running anvil: an Ethereum chain in a process of its own. */
export interface Anvil {
  readonly rpcUrl: string
  readonly processId: number
  /** Ends the process and resolves when it is gone. */
  stop(): Promise<void>
}

/**
 * Starts anvil on a free port of the loopback interface.
 *
 * Every transaction is mined at once, and a block is mined every second besides, so that blocks
 * become final without traffic. An epoch of one slot makes a block final two blocks later.
 */
export async function startAnvil(): Promise<Anvil> {
  const child = spawnTethered(anvilBinary(), [
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
    const port = await listeningPort(child)
    return { rpcUrl: `http://127.0.0.1:${port}`, processId: child.pid as number, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function spawnTethered(binary: string, options: readonly string[]): ChildProcess {
  if (process.platform !== 'win32') {
    return spawn('/bin/sh', ['-c', tetheredScript, 'sh', binary, ...options])
  }
  const child = spawn(binary, options)
  const kill = (): boolean => child.kill()
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  return child
}

function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = ''
    const listen = (chunk: Buffer): void => {
      output += chunk.toString()
      const port = listeningPattern.exec(output)?.[1]
      if (port === undefined) return
      child.stdout?.off('data', listen).resume()
      child.stderr?.off('data', listen).resume()
      resolve(Number(port))
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      reject(new Error(`Anvil ended (${signal ?? code}) before it listened. It said: ${output}`))
    })
  })
}

/** Finds the binary that @foundry-rs/anvil brings for this machine among its own dependencies. */
function anvilBinary(): string {
  const require = createRequire(import.meta.url)
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const file = process.platform === 'win32' ? 'anvil.exe' : 'anvil'
  const name = `@foundry-rs/anvil-${process.platform}-${architecture}`
  try {
    const anvil = createRequire(require.resolve('@foundry-rs/anvil/package.json'))
    return anvil.resolve(`${name}/bin/${file}`)
  } catch (cause) {
    throw new Error(`Anvil is not installed for this machine: ${name} is missing.`, { cause })
  }
}
