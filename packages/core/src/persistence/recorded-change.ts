import type { Change } from '../ledger/ledger-state.ts'
import { BursarError } from '../primitives/errors.ts'

/**
 * Throws `invariant_broken` if a change writes or removes rows without an audit record.
 *
 * A store calls it on every change, before the first row is written.
 *
 * @example
 * ```ts
 * import type { Change, LedgerState } from '@bursar/core'
 * import { assertRecorded } from '@bursar/core/store'
 *
 * export function runChange<Result>(
 *   change: (state: LedgerState, now: number) => Change<Result>,
 *   state: LedgerState,
 *   now: number,
 * ): Change<Result> {
 *   const changed = change(state, now)
 *   assertRecorded(changed)
 *   return changed
 * }
 * ```
 */
export function assertRecorded({ result: _result, events, ...rows }: Change<unknown>): void {
  const { removed, ...written } = rows
  const lists = [...Object.values(written), ...Object.values(removed ?? {})]
  if (events.length > 0 || lists.every((list) => !list?.length)) return
  throw new BursarError('invariant_broken', 'A change writes rows without an audit record.')
}
