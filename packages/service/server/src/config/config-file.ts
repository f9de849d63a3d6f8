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

/** A configuration file that was read, and its environment. */
export interface ConfigFile {
  readonly path: string
  /** The configuration. Its relative paths were resolved from the folder of the file. */
  readonly config: BursarConfig
  /** The variables of `bursar.env` beside the file; those of the process win. */
  readonly environment: Environment
}

/** The file names of a configuration, in the order of their search. */
const configNames: readonly string[] = ['ts', 'mts', 'js', 'mjs'].map(
  (ending) => `bursar.config.${ending}`,
)

/** The file with secrets beside the configuration. Only its owner may read it. */
export const ENV_NAME = 'bursar.env'

/** The mode bits of group and others. */
const OTHERS_MODE = 0o077

/**
 * Reads a configuration: the given file, or the first of `configNames` in the folder. Throws
 * `config_missing` if there is none, `config_invalid` with the reason if it cannot be loaded, and
 * `unsafe_configuration` if others may read its file of secrets.
 */
export async function readConfigFile(
  { folder, environment }: ConfigPlace,
  given?: string,
): Promise<ConfigFile> {
  const path = given === undefined ? findConfig(folder) : resolve(folder, given)
  if (path === undefined || !existsSync(path)) {
    const where = path ?? `${configNames[0]} in ${folder}`
    const message = `There is no configuration ${where}. Write one with bursar init, or name one with --config.`
    throw new BursarError('config_missing', message)
  }
  const secrets = readEnvFile(join(dirname(path), ENV_NAME))
  // The configuration reads process.env, so the secrets have to be there. Variables already set win.
  for (const [name, value] of Object.entries(secrets)) process.env[name] ??= value
  const config = resolveConfigPaths(await importConfig(path), dirname(path))
  return { path, config, environment: { ...secrets, ...environment } }
}

/** Finds the configuration of a folder. Returns undefined if there is none. */
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
  const message = `${path}: has no default export. Add: export default defineConfig({ … })`
  throw new BursarError('config_invalid', message)
}

/** Resolves relative paths from the configuration's folder, whatever folder a command is started in. */
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
