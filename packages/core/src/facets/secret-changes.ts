import { z } from 'zod'
import type { SecretChange } from '../ledger/secret-event.ts'
import type { Store } from '../ports/store.ts'
import { parseInputFields } from '../primitives/fields.ts'
import { secretOpeningFields } from '../signing/secret-use.ts'

/** The most changes in one call: a new wrapping key changes every secret of a vault, with their overlaps, at once. */
const MAX_CHANGES = 2_000

const changesInput = z
  .array(
    z.strictObject({
      type: z.enum(['secret-added', 'secret-rotated', 'secret-rewrapped', 'secret-removed']),
      ...secretOpeningFields,
    }),
  )
  .min(1)
  .max(MAX_CHANGES)

/** Records changes of secrets durably, all of them or none. Throws `invalid_input`. */
export async function recordSecretChanges(
  store: Store,
  given: readonly SecretChange[],
): Promise<void> {
  const events = parseInputFields(changesInput, given, 'recordSecretChanges')
  await store.commit({}, () => ({ result: undefined, events }), 'now')
}
