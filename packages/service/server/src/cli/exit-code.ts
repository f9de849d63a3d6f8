import { convertToProblem } from '../api/problem.ts'

/** What the command line ends with, by name. */
export const exitCodes = {
  /** It was done. */
  done: 0,
  /** It failed, and nobody foresaw how. */
  failed: 1,
  /** The command line, the environment or the configuration cannot be understood. */
  usage: 2,
  /** The guard refuses it, or does not know what it is about. The same again is refused again. */
  refused: 3,
  /** What was checked is not in order: `doctor`, `audit verify`, an unsafe configuration. */
  unsound: 4,
  /** The ledger, the chain or the wallet cannot be reached. Later it may go. */
  unavailable: 5,
} as const

export type ExitCode = keyof typeof exitCodes

/** Codes that the API has no status for, because they never get that far. */
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

/** How a command ends that has thrown. */
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

/** The code of what was thrown, ours or the system's. */
export function readErrorCode(thrown: unknown): string | undefined {
  const code = (thrown as { readonly code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
