import { AsyncLocalStorage } from 'node:async_hooks'
import { resolve } from 'node:path'

/**
 * The key of one storage for the whole process. The command line and the configuration may load two
 * copies of this package, and both have to see the same folder.
 */
const NAME = Symbol.for('bursar.config-folder')

const processGlobals = globalThis as { [NAME]?: AsyncLocalStorage<string> }
processGlobals[NAME] ??= new AsyncLocalStorage()
const currentFolder = processGlobals[NAME]

/** Runs `read` so that `resolveConfigPath` resolves relative paths from the configuration's folder. */
export function runInConfigFolder<Result>(
  folder: string,
  read: () => Promise<Result>,
): Promise<Result> {
  return currentFolder.run(folder, read)
}

/**
 * Resolves the path of a file: from the configuration's folder while a configuration is read, and
 * from the working directory of the process otherwise.
 */
export function resolveConfigPath(path: string): string {
  return resolve(currentFolder.getStore() ?? '', path)
}
