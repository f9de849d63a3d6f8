import { mapOwners, ownerRows } from '../ledger/accounts.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { delegatedState } from '../ledger/paying-state.ts'
import type { Evidence, Payment } from '../ledger/payment.ts'
import { formatAmount } from '../money/amount.ts'
import { addOverrun } from '../money/limits.ts'

/**
 * The rail has proved that a released payment settled whose row has gone into an archive meanwhile. It
 * counts as an overrun of its delegation and end user; no session is there to be locked.
 */
export function settledArchived(
  loaded: LedgerState,
  payment: Payment,
  evidence: Evidence,
  now: number,
): Change<Payment> {
  const { id, session, delegation, endUser, terms } = payment
  const counted = mapOwners(delegatedState(loaded), terms, (limits, usage) =>
    addOverrun(limits, usage, terms.amountMicro, now),
  )
  return {
    result: payment,
    ...ownerRows(counted),
    events: [
      {
        type: 'archived-payment-settled',
        payment: id,
        session,
        delegation,
        endUser,
        amount: formatAmount(terms.amountMicro),
        currency: terms.currency,
        host: terms.host,
        payee: terms.payee,
        ...(evidence.transaction === undefined ? {} : { transaction: evidence.transaction }),
        block: evidence.block,
        evidence: evidence.reason,
      },
    ],
  }
}
