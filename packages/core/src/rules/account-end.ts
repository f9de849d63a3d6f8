import { credentialEnd } from '../ledger/credential.ts'
import { delegationEnd } from '../ledger/delegation.ts'
import { type Denial, deny, firstDenial } from '../ledger/denial.ts'
import type { PayingState } from '../ledger/paying-state.ts'
import { sessionEnd } from '../ledger/session.ts'

/** Why nothing can be paid within the session now, whatever it is. */
export function standing(state: PayingState, now: number): Denial | undefined {
  const { session, delegation } = state
  const ends = [session, ...state.ancestors].flatMap((one) => {
    const code = sessionEnd(one, now)
    return code ? [deny(code, { cause: `session ${one.id}` })] : []
  })
  const { credential } = state
  const unusable = credential && credentialEnd(credential, now)
  // The session is not spent from any more, whoever else it lives for.
  if (unusable)
    ends.push(deny(`session_${unusable}`, { cause: `its payer's key ${credential.id}` }))
  const end = delegationEnd(delegation, now)
  if (end) ends.push(deny(end, { cause: `delegation ${delegation.id}` }))
  return firstDenial(ends)
}
