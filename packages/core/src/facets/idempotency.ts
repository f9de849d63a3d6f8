import { z } from 'zod'
import type { Change, LedgerState, Scope } from '../ledger/ledger-state.ts'
import type { OnceOptions, Operation } from '../ledger/operation.ts'
import type { Store } from '../ports/store.ts'
import { canonicalJson } from '../primitives/canonical-json.ts'
import { BursarError } from '../primitives/errors.ts'
import { parseInput } from '../primitives/fields.ts'
import { hashOf } from '../primitives/hash.ts'
import { newSecret } from '../primitives/secret.ts'

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
  const inputHash = hashOf('input', [canonicalJson(input)])
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
