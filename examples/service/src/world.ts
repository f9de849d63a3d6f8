import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Sandbox, type SandboxAccount, startSandbox } from '@bursar/sandbox'
import { type ChildProcess, type Environment, startProcess } from './child-process.ts'
import type { SandboxChain } from './sandbox-chain.ts'

/** A guard that runs in a process of its own. */
export interface GuardProcess extends ChildProcess {
  readonly url: string
}

/** A key of the service: its id may be told, its text is the secret. */
export interface ServiceKey {
  readonly id: string
  readonly key: string
}

export type ServiceKeys = Readonly<
  Record<'alice' | 'bob' | 'application' | 'agent' | 'otherAgent', ServiceKey>
>

/** The machine that the guard runs on: what it pays in, its wallets, its ledger, and its environment. */
export interface World {
  readonly sandbox: Sandbox
  readonly alice: SandboxAccount
  readonly bob: SandboxAccount
  /** Of the guard's process, and of whoever issues keys: nobody else's. */
  readonly environment: Environment
  issueKeys(): Promise<ServiceKeys>
  /** At a free port, unless one is named. */
  startGuard(port?: string): Promise<GuardProcess>
  stop(): Promise<void>
}

/** The options of `openWorld`. */
export interface WorldOptions {
  /** Hosts that the guard may reach, besides the sandbox's merchants. */
  readonly hosts?: readonly string[]
  readonly environment?: Environment
  /** The test dollars in each wallet, as a decimal string. @default '10.00' */
  readonly funds?: string
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const sandbox = await startSandbox()
  const folder = mkdtempSync(join(tmpdir(), 'bursar-service-'))
  const { funds = '10.00' } = options
  const [alice, bob] = [await sandbox.createAccount(funds), await sandbox.createAccount(funds)]
  const { network, rpcUrl, asset } = sandbox
  const hosts = [...sandbox.hosts, ...(options.hosts ?? [])]
  const environment = {
    SANDBOX: JSON.stringify({ network, rpcUrl, asset, hosts } satisfies SandboxChain),
    ALICE_WALLET_KEY: alice.privateKey,
    BOB_WALLET_KEY: bob.privateKey,
    BURSAR_DATABASE: join(folder, 'bursar.db'),
    ...options.environment,
  }
  const started: ChildProcess[] = []
  const start = (file: string, port = '0'): ChildProcess => {
    const child = startProcess(file, { ...environment, BURSAR_PORT: port })
    started.push(child)
    return child
  }
  return {
    sandbox,
    alice,
    bob,
    environment,
    issueKeys: async () => JSON.parse(await start('./keys.ts').firstLine) as ServiceKeys,
    async startGuard(port) {
      const child = start('./guard.ts', port)
      return { ...child, url: await child.firstLine }
    },
    async stop() {
      for (const child of started) child.kill('SIGTERM')
      await Promise.all(started.map(({ ended }) => ended))
      await sandbox.stop()
      rmSync(folder, { recursive: true })
    },
  }
}
