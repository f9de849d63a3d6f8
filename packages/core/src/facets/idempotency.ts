import { z } from 'zod'
import { canonicalText } from '../audit/row-difference.ts'
import type { Change, LedgerState, Scope, Store } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'
import { parseInput } from '../primitives/fields.ts'
import { hashOf, newSecret } from '../signing/payment-token.ts'

/** How a caller makes sure that what it asks for is done once, however often it asks. */
export interface OnceOptions {
  /**
   * Names the operation: the same key with the same input is answered with what was done for it
   * first, tokens included; with another input, `idempotency_conflict`. Random, 16 to 255 characters:
   * a token is derived from it, and only who has the key gets that token again.
   */
  readonly idempotencyKey?: string | undefined
}

/** An operation that was done for an idempotency key. */
export interface Operation {
  /** SHA-256 of the key and of what it is for. */
  readonly id: string
  readonly inputHash: string
  /** What was made or changed. */
  readonly subject: string
  /** What the secret is derived from, together with the key, which is stored nowhere. */
  readonly salt: string
  readonly at: number
}

const idempotencyKeyField: z.ZodType<string, string> = z
  .string()
  .min(16)
  .max(255)
  .regex(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/, 'must be 16 to 255 visible ASCII characters')

const onceInput = z.object({ idempotencyKey: idempotencyKeyField.optional() })

/** An operation about to be done, or done before. */
export interface Once {
  /** Runs the change unless it was run before, and answers the subject and its secret either way. */
  run(
    store: Store,
    scope: Scope,
    change: (state: LedgerState, now: number, made: Made) => Change<unknown>,
  ): Promise<Made>
}

/** What an operation makes or changes, and the secret that goes with it. */
export interface Made {
  readonly id: string
  /** 256 bits, base64url. */
  readonly secret: string
}

/**
 * Prepares an operation on `subject`. What it is for (`what`, with the name of whoever asks) and the
 * key together are its name, so that nobody meets another's operation.
 */
export function once(
  what: readonly string[],
  input: unknown,
  subject: string,
  options: OnceOptions,
): Once {
  const { idempotencyKey: key } = parseInput(onceInput, options, what[0] ?? 'once')
  // 256 bits: nobody who has not read the ledger derives a token, whatever key was chosen.
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
  const inputHash = hashOf('input', [canonicalText(input)])
  return {
    run: (store, scope, change) =>
      store.commit(
        { ...scope, operation: id },
        (state, now) => {
          const known = state.operation
          if (known && known.inputHash !== inputHash) throw conflict(what[0])
          if (known) return { result: madeFor(key, known), events: [] }
          const operation = { id, inputHash, subject, salt, at: now }
          const result = madeFor(key, operation)
          const changed = change(state, now, result)
          // What changed nothing has no record, and may be asked for again.
          return changed.events.length === 0
            ? { result, events: [] }
            : { ...changed, result, operations: [operation] }
        },
        'now',
      ),
  }
}

/** The secret is whoever's that has the key: the ledger has its other half alone. */
function madeFor(key: string, { subject, salt }: Operation): Made {
  const secret = Buffer.from(hashOf('secret', [key, salt, subject]), 'hex').toString('base64url')
  return { id: subject, secret }
}

function conflict(what = 'operation'): BursarError {
  const message = `${what}: idempotencyKey: was used before, with another input.`
  return new BursarError('idempotency_conflict', message)
}
