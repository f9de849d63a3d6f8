import { AsyncLocalStorage } from 'node:async_hooks'
import { resolve } from 'node:path'

/** One for the process: the command line may be another copy of this package than the configuration's. */
const NAME = Symbol.for('bursar.config-folder')

const processGlobals = globalThis as { [NAME]?: AsyncLocalStorage<string> }
processGlobals[NAME] ??= new AsyncLocalStorage()
const currentFolder = processGlobals[NAME]

/** Reads a configuration: paths that are relative in what it makes are those of its folder. */
export function runInConfigFolder<Result>(
  folder: string,
  read: () => Promise<Result>,
): Promise<Result> {
  return currentFolder.run(folder, read)
}

/** The path of a file that is named in a configuration, or else in a program, which has its own folder. */
export function resolveConfigPath(path: string): string {
  return resolve(currentFolder.getStore() ?? '', path)
}
