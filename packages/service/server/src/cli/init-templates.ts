import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ENV_NAME } from '../config/config-file.ts'

/** A file that `bursar init` writes. */
export interface InitFile {
  /** The path of the file, relative to the folder of the service. */
  readonly name: string
  readonly text: string
  /** True if only the file's owner may read it. */
  readonly isSecret: boolean
}

/**
 * The choices for a new service. Names contain only letters, digits and `. _ : @ + -`, so they need
 * no escaping.
 */
export interface NewService {
  readonly endUser: string
  readonly instrument: string
  /** The place of payments: a real network, or the sandbox that a file of the folder describes. */
  readonly place:
    | { readonly network: string; readonly rpcUrl: string }
    | { readonly sandboxFile: string }
}

/** Creates the files of a new service: its configuration, and for a real network its secrets. */
export function createInitFiles(folder: string, service: NewService): readonly InitFile[] {
  const ending = chooseInitConfigExtension(folder)
  const isTyped = ending !== 'mjs'
  const text =
    'sandboxFile' in service.place
      ? renderInitSandboxConfig(service)
      : renderInitNetworkConfig(service, isTyped)
  const config = { name: `bursar.config.${ending}`, text, isSecret: false }
  if ('sandboxFile' in service.place) return [config]
  const key = `0x${randomBytes(32).toString('hex')}`
  const secrets = [
    '# The secrets of the service. Anyone who can read this file can spend the wallet’s balance.',
    `BURSAR_WALLET_KEY=${key}`,
    `BURSAR_RPC_URL=${service.place.rpcUrl}`,
    '',
  ].join('\n')
  return [config, { name: ENV_NAME, text: secrets, isSecret: true }]
}

/**
 * Chooses a file extension that this version of Node loads as a module: TypeScript if Node supports
 * it, and `mts` or `mjs` if the folder's package is no module.
 */
function chooseInitConfigExtension(folder: string): 'ts' | 'mts' | 'mjs' {
  if (!process.features.typescript) return 'mjs'
  return findInitModuleType(folder) === 'module' ? 'ts' : 'mts'
}

function findInitModuleType(folder: string): string | undefined {
  const path = join(folder, 'package.json')
  if (existsSync(path)) return (JSON.parse(readFileSync(path, 'utf8')) as { type?: string }).type
  return dirname(folder) === folder ? undefined : findInitModuleType(dirname(folder))
}

function renderInitNetworkConfig(
  { endUser, instrument, place }: NewService,
  isTyped: boolean,
): string {
  const { network } = place as { readonly network: string }
  const key = `process.env.BURSAR_WALLET_KEY${isTyped ? ` as \`0x\${string}\`` : ''}`
  const rpcUrl = `process.env.BURSAR_RPC_URL${isTyped ? " ?? ''" : ''}`
  return [
    `import { viemWallet } from '@bursar/wallet-viem'`,
    `import { x402 } from '@bursar/x402'`,
    `import { defineConfig } from 'bursar'`,
    `import { privateKeyToAccount } from 'viem/accounts'`,
    '',
    `// Secrets come from ${ENV_NAME} beside this file. Variables of the process win.`,
    'export default defineConfig({',
    `  database: 'bursar.db', // or a postgres:// URL, for several servers`,
    `  rails: [x402({ networks: { '${network}': { rpcUrl: ${rpcUrl} } } })],`,
    '  instruments: {',
    `    '${instrument}': {`,
    `      endUser: '${endUser}',`,
    `      wallet: viemWallet({ account: privateKeyToAccount(${key}) }),`,
    '    },',
    '  },',
    '  listen: { port: 8402 }, // only this machine can connect; for others, configure a host and TLS',
    '})',
    '',
  ].join('\n')
}

function renderInitSandboxConfig({ endUser, instrument, place }: NewService): string {
  const { sandboxFile } = place as { readonly sandboxFile: string }
  const file = JSON.stringify(sandboxFile)
  return [
    `import { readFileSync } from 'node:fs'`,
    `import { viemWallet } from '@bursar/wallet-viem'`,
    `import { x402 } from '@bursar/x402'`,
    `import { defineConfig } from 'bursar'`,
    `import { privateKeyToAccount } from 'viem/accounts'`,
    '',
    '// The output of bursar sandbox --json: a chain with test money on this machine.',
    `const world = JSON.parse(readFileSync(new URL(${file}, import.meta.url), 'utf8'))`,
    '',
    'export default defineConfig({',
    `  database: 'bursar.db',`,
    '  rails: [x402({ networks: { [world.network]: { rpcUrl: world.rpcUrl } } })],',
    '  assets: [{ ...world.asset, address: world.asset.address.toLowerCase() }],',
    '  development: { hosts: world.hosts },',
    '  instruments: {',
    `    '${instrument}': {`,
    `      endUser: '${endUser}',`,
    '      wallet: viemWallet({ account: privateKeyToAccount(world.account.privateKey) }),',
    '    },',
    '  },',
    '  listen: { port: 8402 },',
    '})',
    '',
  ].join('\n')
}
