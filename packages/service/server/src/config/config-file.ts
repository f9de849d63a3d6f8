import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseEnv } from 'node:util'
import { BursarError } from '@bursar/core'
import { runInConfigFolder } from '../vault/config-path.ts'
import type { BursarConfig, Environment } from './config.ts'

/** The folder that a configuration is looked for in, and the environment of the process. */
export interface ConfigPlace {
  readonly folder: string
  readonly environment: Environment
}

/** A configuration as it was read from its file, and the environment that goes with it. */
export interface ConfigFile {
  readonly path: string
  /** What stands in it relative to a folder is relative to the file's. */
  readonly config: BursarConfig
  /** The process's environment, over what `bursar.env` beside the file says. */
  readonly environment: Environment
}

/** The names that are looked for, in this order. */
const configNames: readonly string[] = ['ts', 'mts', 'js', 'mjs'].map(
  (ending) => `bursar.config.${ending}`,
)

/** Secrets for the configuration, which only their owner may read. */
export const ENV_NAME = 'bursar.env'

/** What others may do with a file. */
const OTHERS_MODE = 0o077

/**
 * Reads a configuration: the given file, or the first of `configNames` in the folder. Throws
 * `config_missing`, `config_invalid` with what is wrong with the file, or `unsafe_configuration` for
 * secrets that others may read.
 */
export async function readConfigFile(
  { folder, environment }: ConfigPlace,
  given?: string,
): Promise<ConfigFile> {
  const path = given === undefined ? findConfig(folder) : resolve(folder, given)
  if (path === undefined || !existsSync(path)) {
    const where = path ?? `${configNames[0]} in ${folder}`
    const message = `There is no configuration: ${where}. Write one with bursar init, or name it with --config.`
    throw new BursarError('config_missing', message)
  }
  const secrets = readEnvFile(join(dirname(path), ENV_NAME))
  // The file itself reads the environment of the process; what is set there already stays.
  for (const [name, value] of Object.entries(secrets)) process.env[name] ??= value
  const config = resolveConfigPaths(await importConfig(path), dirname(path))
  return { path, config, environment: { ...secrets, ...environment } }
}

/** Where the configuration of a folder is; `undefined` if it has none. */
export function findConfig(folder: string): string | undefined {
  return configNames.map((name) => join(folder, name)).find((path) => existsSync(path))
}

function readEnvFile(path: string): Readonly<Record<string, string>> {
  if (!existsSync(path)) return {}
  if (process.platform !== 'win32' && (statSync(path).mode & OTHERS_MODE) !== 0) {
    const message = `${path} holds secrets, and others may read it. Run: chmod 600 ${path}`
    throw new BursarError('unsafe_configuration', message)
  }
  return parseEnv(readFileSync(path, 'utf8')) as Record<string, string>
}

async function importConfig(path: string): Promise<BursarConfig> {
  let loaded: { readonly default?: unknown }
  try {
    loaded = await runInConfigFolder(dirname(path), () => import(pathToFileURL(path).href))
  } catch (error) {
    const isTypeScriptUnread = (error as { code?: unknown }).code === 'ERR_UNKNOWN_FILE_EXTENSION'
    const message = isTypeScriptUnread
      ? `Node ${process.versions.node} does not read TypeScript: use Node 22.18 or newer, or write ${configNames[3]}.`
      : `${path}: ${error instanceof Error ? error.message : String(error)}`
    throw new BursarError('config_invalid', message, { cause: error })
  }
  if (typeof loaded.default === 'object' && loaded.default !== null) {
    return loaded.default as BursarConfig
  }
  const message = `${path}: has to export its configuration: export default defineConfig({ … })`
  throw new BursarError('config_invalid', message)
}

/** Wherever a command is started, it opens the same ledger. */
function resolveConfigPaths(config: BursarConfig, folder: string): BursarConfig {
  const { database, listen, archives } = config
  const resolvePath = (path: string): string => (isAbsolute(path) ? path : join(folder, path))
  const isFile = database !== undefined && !/^[a-z]+:\/\/|^:memory:$/.test(database)
  const tls = listen?.tls
  return {
    ...config,
    ...(isFile ? { database: resolvePath(database) } : {}),
    ...(archives === undefined ? {} : { archives: resolvePath(archives) }),
    ...(database === undefined ? { database: resolvePath('bursar.db') } : {}),
    ...(tls
      ? {
          listen: {
            ...listen,
            tls: { certFile: resolvePath(tls.certFile), keyFile: resolvePath(tls.keyFile) },
          },
        }
      : {}),
  }
}
