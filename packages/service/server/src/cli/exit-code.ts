import { convertToProblem } from '../api/problem.ts'

/** The exit codes of the command line, by name. */
export const exitCodes = {
  /** The command succeeded. */
  done: 0,
  /** The command failed with an unexpected error. */
  failed: 1,
  /** The command line, the environment or the configuration is not valid. */
  usage: 2,
  /** The guard refused the command, or its object does not exist. A retry is refused as well. */
  refused: 3,
  /** A check failed: `doctor`, `audit verify`, or the configuration is unsafe. */
  unsound: 4,
  /** The ledger, the chain or the wallet cannot be reached. A later retry may succeed. */
  unavailable: 5,
} as const

/** The name of an exit code. */
export type ExitCode = keyof typeof exitCodes

/** The exit codes of errors that never occur in the HTTP API and so have no HTTP status. */
const exitCodesOfErrors: Readonly<Record<string, ExitCode>> = {
  config_missing: 'usage',
  config_invalid: 'usage',
  package_missing: 'usage',
  file_exists: 'refused',
  unsafe_configuration: 'unsound',
  vault_missing: 'usage',
  secret_exists: 'refused',
  secret_unknown: 'refused',
  vault_full: 'refused',
  secret_unreadable: 'unsound',
  vault_unreadable: 'unsound',
  key_file_exposed: 'unsound',
  wrapping_key_missing: 'unsound',
  wrapping_key_unavailable: 'unavailable',
  vault_unavailable: 'unavailable',
  rail_unreachable: 'unavailable',
  wrong_chain: 'unavailable',
  EADDRINUSE: 'unavailable',
  EEXIST: 'refused',
  ENOENT: 'refused',
  EACCES: 'refused',
}

/** Returns the exit code for the error that a command threw. */
export function chooseExitCode(thrown: unknown): ExitCode {
  const code = readErrorCode(thrown)
  const known =
    code !== undefined && Object.hasOwn(exitCodesOfErrors, code)
      ? exitCodesOfErrors[code]
      : undefined
  if (known) return known
  const { status } = convertToProblem(thrown, '')
  if (status === 400) return 'usage'
  if (status === 503) return 'unavailable'
  return status < 500 ? 'refused' : 'failed'
}

/**
 * Returns the code of an error, such as `session_unknown` or `ENOENT`. Returns undefined if it has
 * none.
 */
export function readErrorCode(thrown: unknown): string | undefined {
  const code = (thrown as { readonly code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
