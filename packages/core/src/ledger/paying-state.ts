import { BursarError } from '../primitives/errors.ts'
import type { Delegation } from './delegation.ts'
import type { LedgerState } from './ledger-state.ts'
import type { Session } from './session.ts'

/** A loaded state that belongs to a delegation, as every payment does, archived ones included. */
export interface DelegatedState extends LedgerState {
  readonly delegation: Delegation
}

/** A loaded state that a payment can be decided on: its session and its delegation are there. */
export interface PayingState extends DelegatedState {
  readonly session: Session
}

/** Reads a loaded state once for all rules below. Throws `invariant_broken` if an account is missing. */
export function payingState(loaded: LedgerState): PayingState {
  if (isPaying(loaded)) return loaded
  const message = 'A payment has to belong to a session and a delegation.'
  throw new BursarError('invariant_broken', message)
}

/** Reads the state of an archived payment. Throws `invariant_broken` if its delegation is missing. */
export function delegatedState(loaded: LedgerState): DelegatedState {
  if (isDelegatedState(loaded)) return loaded
  throw new BursarError('invariant_broken', 'A payment has to belong to a delegation.')
}

function isPaying(loaded: LedgerState): loaded is PayingState {
  return loaded.session !== undefined && isDelegatedState(loaded)
}

function isDelegatedState(loaded: LedgerState): loaded is DelegatedState {
  return loaded.delegation !== undefined
}
