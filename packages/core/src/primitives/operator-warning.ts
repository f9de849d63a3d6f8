import { BursarError } from './errors.ts'

/**
 * Warns the operator, never the model: emits a process warning of type `BursarWarning`, or writes to the
 * console where there is no process. `source` names the function that the application called. The code and
 * message of `error` are appended.
 *
 * @example
 * ```ts
 * warnOperator('paymentTools', 'a call failed', new Error('disk full'))
 * ```
 */
export function warnOperator(source: string, problem: string, error?: unknown): void {
  const cause = error instanceof Error ? error.message : String(error)
  const code = BursarError.isInstance(error) ? `${error.code}: ` : ''
  const warning = `${source}: ${problem}${error === undefined ? '' : `: ${code}${cause}`}`
  const process: Partial<NodeJS.Process> | undefined = globalThis.process
  if (process?.emitWarning) process.emitWarning(warning, { type: 'BursarWarning' })
  else console.warn(warning)
}
