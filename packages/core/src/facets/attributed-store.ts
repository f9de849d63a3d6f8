import { z } from 'zod'
import type { RecordedCaller } from '../ledger/audit-event.ts'
import type { Store } from '../ports/store.ts'
import { textField } from '../primitives/fields.ts'

/** Roles that one caller may have at most. */
const MAX_ROLES = 20

export const recordedCallerInput: z.ZodType<RecordedCaller> = z.strictObject({
  id: textField,
  roles: z.array(textField).max(MAX_ROLES),
})

/** A store that names in each record who asked for its change. */
export function attributed(store: Store, caller: RecordedCaller): Store {
  return {
    ...store,
    commit: (scope, change, when) =>
      store.commit(
        scope,
        (state, now) => {
          const changed = change(state, now)
          return { ...changed, events: changed.events.map((event) => ({ ...event, caller })) }
        },
        when,
      ),
  }
}
