import { BursarError } from './errors.ts'

/**
 * Tells the operator, and never the model, what is wrong: as a process warning (`BursarWarning`), or
 * on the console where no process is. `source` names the function that an application has called.
 */
export function warnOperator(source: string, what: string, error?: unknown): void {
  const cause = error instanceof Error ? error.message : String(error)
  const code = BursarError.isInstance(error) ? `${error.code}: ` : ''
  const warning = `${source}: ${what}${error === undefined ? '' : `: ${code}${cause}`}`
  const process: Partial<NodeJS.Process> | undefined = globalThis.process
  if (process?.emitWarning) process.emitWarning(warning, { type: 'BursarWarning' })
  else console.warn(warning)
}
