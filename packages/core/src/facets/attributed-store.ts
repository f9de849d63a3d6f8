import { z } from 'zod'
import type { RecordedCaller } from '../ledger/audit-event.ts'
import type { Store } from '../ports/store.ts'
import { textField } from '../primitives/fields.ts'

/** The most roles of one caller. */
const MAX_ROLES = 20

/** Parses the caller whom records name. */
export const recordedCallerInput: z.ZodType<RecordedCaller> = z.strictObject({
  id: textField,
  roles: z.array(textField).max(MAX_ROLES),
})

/** Returns a store that adds the caller to the records of each commit. */
export function attributeCommits(store: Store, caller: RecordedCaller): Store {
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
