import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Bursar } from '@bursar/core'
import { onTestFinished } from 'vitest'
import { runCommandLine } from '../src/cli/command-line.ts'
import { readSettings } from '../src/config/config.ts'
import { openGuard } from '../src/ledger/open-guard.ts'
import config from './fake.config.ts'

const configPath = fileURLToPath(new URL('./fake.config.ts', import.meta.url))

/** The exit code and the output of one command line. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly error: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly json: any
}

/** A folder with its own ledger, and a function that runs command lines on it. */
export interface CommandWorld {
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /** Runs `bursar` with these arguments in this process, with a fake chain and a fake merchant. */
  run(...args: string[]): Promise<Ran>
  /** Runs `bursar --json` with these arguments. Its output is parsed in `json`. */
  json(...args: string[]): Promise<Ran>
  /** Opens the guard that the commands open, runs `work` with it, and closes it. */
  withGuard<Result>(work: (bursar: Bursar) => Promise<Result>): Promise<Result>
}

/** The options of `commandWorld`. */
export interface CommandWorldOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** True if the output streams are terminals. */
  readonly isTTY?: boolean
  /** Resolves when the command must stop. By default it must stop at once. */
  readonly stopped?: () => Promise<void>
  /** Returns the text on the standard input. Without it, the standard input is a terminal. */
  readonly input?: () => string | undefined
  /**
   * True to run without `--config`, so that a command looks for the configuration in the folder.
   */
  readonly bare?: boolean
}

/** Creates a folder with its own ledger, which is removed when the test ends. */
export function commandWorld(options: CommandWorldOptions = {}): CommandWorld {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-command-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const { isTTY = false, stopped = () => Promise.resolve(), bare = false } = options
  const ledger: Record<string, string> = bare ? {} : { BURSAR_DATABASE: join(folder, 'ledger.db') }
  const environment = { ...ledger, ...options.environment }
  const run = async (...args: string[]): Promise<Ran> => {
    const texts = { out: '', error: '' }
    const stream = (name: keyof typeof texts) => ({
      isTTY,
      write: (text: string, done?: () => void) => {
        texts[name] += text
        done?.()
      },
    })
    const text = options.input?.()
    const piped = Readable.from(text === undefined ? [] : [Buffer.from(text)])
    const input = Object.assign(piped, { isTTY: text === undefined })
    const streams = { out: stream('out'), error: stream('error'), input }
    const terminal = { ...streams, environment, folder, stopped }
    const named = bare ? args : ['--config', configPath, ...args]
    const code = await runCommandLine(named, terminal)
    return {
      code,
      ...texts,
      get json() {
        return JSON.parse(texts.out)
      },
    }
  }
  return {
    folder,
    environment,
    run,
    json: (...args) => run('--json', ...args),
    async withGuard(work) {
      const bursar = await openGuard(readSettings(config, environment))
      try {
        return await work(bursar)
      } finally {
        await bursar.close()
      }
    },
  }
}

/** A command world with a delegation of the end user alice, and a payer key for the agent. */
export interface PreparedWorld extends CommandWorld {
  readonly delegation: string
  /** The id of the agent's payer key. */
  readonly payer: string
  /** Creates a session for the agent. Its `pay` returns the status of the payment. */
  openSession(): Promise<{ readonly id: string; pay(path: string): Promise<string> }>
}

/** Creates the delegation and the payer key by commands only. */
export async function preparedWorld(...rules: string[]): Promise<PreparedWorld> {
  const world = commandWorld()
  const granted = await world.json(
    ...['delegations', 'grant', '--end-user', 'alice', '--agent', 'researcher'],
    ...['--instrument', 'alice-wallet', '--expires-in', '30d', '--total', '20.00'],
    ...['--window', 'utc-day=5.00', '--merchant', 'shop.example', '--consent', 'a form', ...rules],
  )
  const key = await world.json('keys', 'create', '--role', 'payer', '--expires-in', '1d')
  const [delegation, payer] = [granted.json.id as string, key.json.id as string]
  return {
    ...world,
    delegation,
    payer,
    async openSession() {
      const limits = ['--expires-in', '1h', '--total', '1.00']
      const create = ['--delegation', delegation, '--payer', payer, ...limits]
      const { id, token } = (await world.json('sessions', 'create', ...create)).json
      return {
        id,
        pay: (path) =>
          world.withGuard(async (bursar) => {
            const request = { url: `https://shop.example/${path}`, purpose: 'a test' }
            const call = { conversation: 'thread', id: path }
            return (await bursar.openSession(token, { payer }).pay(request, call)).status
          }),
      }
    },
  }
}
