const marker: unique symbol = Symbol.for('bursar.error')

/**
 * A failure: something that the caller, the operator or the environment has to put right.
 *
 * A refusal of a payment is never thrown: it is a value with a code of `denial.ts`.
 * `code` is stable and snake_case; `message` speaks to the operator and is never shown to a model.
 */
export class BursarError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'BursarError'
    this.code = code
    Object.defineProperty(this, marker, { value: true })
  }

  /** True for errors of every copy of this package that the process has loaded. */
  static isInstance(value: unknown): value is BursarError {
    return value instanceof Error && (value as { [marker]?: unknown })[marker] === true
  }
}

/** What foreign code threw, which can be anything, as one line for the operator. */
export function thrownText(thrown: unknown): string {
  if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`
  return typeof thrown === 'string' ? thrown : typeof thrown
}
