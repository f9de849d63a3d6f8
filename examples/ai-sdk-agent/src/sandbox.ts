import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Asset } from '@bursar/core'
import { type Sandbox, startSandbox } from '@bursar/sandbox'
import type { LanguageModel } from 'ai'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { scriptedModel } from './scripted-model.ts'

/** A paid world on this machine: what `base.ts` is for real money. */
export const sandbox: Sandbox = await startSandbox()

const alice = await sandbox.createAccount('10.00')

export const account: PrivateKeyAccount = privateKeyToAccount(alice.privateKey)

export const networks: Record<Sandbox['network'], { readonly rpcUrl: string }> = {
  [sandbox.network]: { rpcUrl: sandbox.rpcUrl },
}

/** The sandbox has a dollar of its own. */
export const assets: readonly Asset[] = [sandbox.asset]

/** Its merchants are on this machine and speak http, which a guard allows nowhere else. */
export const development: { readonly hosts: readonly string[] } = { hosts: sandbox.hosts }

/** A folder that is gone with the example. */
export const folder: string = mkdtempSync(join(tmpdir(), 'bursar-agent-'))

export const path: string = join(folder, 'bursar.db')

/** Costs 0.01 test dollars. */
export const resource: string = `${sandbox.merchants.honest.url}/quote`

export const model: LanguageModel = scriptedModel(resource)
