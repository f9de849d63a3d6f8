import { credentialEnd } from '../ledger/credential.ts'
import { delegationEnd } from '../ledger/delegation.ts'
import { type Denial, deny, firstDenial } from '../ledger/denial.ts'
import type { PayingState } from '../ledger/paying-state.ts'
import { sessionEnd } from '../ledger/session.ts'

/** Returns the refusal of every payment in a session that has ended, or undefined if it is open. */
export function findAccountEnd(state: PayingState, now: number): Denial | undefined {
  const { session, delegation } = state
  const ends = [session, ...state.ancestors].flatMap((one) => {
    const code = sessionEnd(one, now)
    return code ? [deny(code, { cause: `session ${one.id}` })] : []
  })
  const { credential } = state
  const unusable = credential && credentialEnd(credential, now)
  // A bound session is spent from only with its payer's credential, so it ends with it.
  if (unusable)
    ends.push(deny(`session_${unusable}`, { cause: `its payer's key ${credential.id}` }))
  const end = delegationEnd(delegation, now)
  if (end) ends.push(deny(end, { cause: `delegation ${delegation.id}` }))
  return firstDenial(ends)
}
