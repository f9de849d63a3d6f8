import { z } from 'zod'
import type { Change, LedgerState, Scope } from '../ledger/ledger-state.ts'
import type { OnceOptions, Operation } from '../ledger/operation.ts'
import type { Store } from '../ports/store.ts'
import { canonicalJson } from '../primitives/canonical-json.ts'
import { BursarError } from '../primitives/errors.ts'
import { parseInputFields } from '../primitives/fields.ts'
import { hashOf } from '../primitives/hash.ts'
import { newSecret } from '../primitives/secret.ts'

const idempotencyKeyField: z.ZodType<string, string> = z
  .string()
  .min(16)
  .max(255)
  .regex(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/, 'must be 16 to 255 visible ASCII characters')

const onceInput = z.object({ idempotencyKey: idempotencyKeyField.optional() })

/** An operation that runs at most once. */
export interface PreparedOperation {
  /** Runs the change unless it ran before. Returns the subject and its secret in both cases. */
  run(
    store: Store,
    scope: Scope,
    change: (state: LedgerState, now: number, made: Made) => Change<unknown>,
  ): Promise<Made>
}

/** The subject of an operation, and the secret that belongs to it. */
export interface Made {
  readonly id: string
  /** The secret that the operation returns: 256 bits, base64url. */
  readonly secret: string
}

/**
 * Prepares an operation on `subject`. The idempotency key is scoped by `what`, which includes the caller's name,
 * so that one caller never gets the result of another's operation. Without a key, the operation always runs.
 */
export function prepareIdempotentOperation(
  what: readonly string[],
  input: unknown,
  subject: string,
  options: OnceOptions,
): PreparedOperation {
  const { idempotencyKey: key } = parseInputFields(onceInput, options, what[0] ?? 'once')
  // The salt has 256 bits, so that a token can't be derived from a weak key without reading the ledger.
  const salt = newSecret()
  if (key === undefined) {
    const made = { id: subject, secret: salt }
    return {
      run: async (store, scope, change) => {
        await store.commit(scope, (state, now) => change(state, now, made), 'now')
        return made
      },
    }
  }
  const id = hashOf('operation', [...what, key])
  const inputHash = hashOf('input', [canonicalJson(input)])
  return {
    run: (store, scope, change) =>
      store.commit(
        { ...scope, operation: id },
        (state, now) => {
          const known = state.operation
          if (known && known.inputHash !== inputHash) throw idempotencyConflict(what[0])
          if (known) return { result: deriveIdempotentResult(key, known), events: [] }
          const operation = { id, inputHash, subject, salt, at: now }
          const result = deriveIdempotentResult(key, operation)
          const changed = change(state, now, result)
          // An operation without a record is not stored: a retry runs it again.
          return changed.events.length === 0
            ? { result, events: [] }
            : { ...changed, result, operations: [operation] }
        },
        'now',
      ),
  }
}

/** Derives the secret from the idempotency key, which is never stored, and the stored salt. Neither is enough alone. */
function deriveIdempotentResult(key: string, { subject, salt }: Operation): Made {
  const secret = Buffer.from(hashOf('secret', [key, salt, subject]), 'hex').toString('base64url')
  return { id: subject, secret }
}

function idempotencyConflict(what = 'operation'): BursarError {
  const message = `${what}: idempotencyKey: was used before, with another input.`
  return new BursarError('idempotency_conflict', message)
}
