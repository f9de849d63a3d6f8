const marker: unique symbol = Symbol.for('bursar.error')

/**
 * A failure that the caller, the operator or the environment has to put right.
 *
 * A refused payment is never thrown: it is a `PayResult` with a denial code. `code` is stable and
 * snake_case. `message` is written for the operator and is never shown to a model. `cause` is the error
 * that led to this one, if there is one.
 *
 * @example
 * ```ts
 * const { endUser } = bursar
 * try {
 *   await endUser('alice').revokeDelegation('del_0123')
 * } catch (error) {
 *   if (BursarError.isInstance(error) && error.code === 'delegation_unknown') console.log('Gone.')
 *   else throw error
 * }
 * ```
 */
export class BursarError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'BursarError'
    this.code = code
    Object.defineProperty(this, marker, { value: true })
  }

  /** Returns true for an error made by any copy of this package that the process has loaded. */
  static isInstance(value: unknown): value is BursarError {
    return value instanceof Error && (value as { [marker]?: unknown })[marker] === true
  }
}

/** Describes a thrown value of any type in one line for the operator. */
export function thrownErrorText(thrown: unknown): string {
  if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`
  return typeof thrown === 'string' ? thrown : typeof thrown
}
