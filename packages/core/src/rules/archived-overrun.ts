import { mapOwnerAccounts, ownerAccountRows } from '../ledger/accounts.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { delegatedState } from '../ledger/paying-state.ts'
import type { Evidence, Payment } from '../ledger/payment.ts'
import { formatAmount } from '../money/amount.ts'
import { addOverrunToLimits } from '../money/limits.ts'

/**
 * Counts a released payment that the rail has proved settled after its row was archived: an overrun of
 * its delegation and end user. Its session is archived, too, so no session is locked.
 */
export function settleArchivedPayment(
  loaded: LedgerState,
  payment: Payment,
  evidence: Evidence,
  now: number,
): Change<Payment> {
  const { id, session, delegation, endUser, terms } = payment
  const counted = mapOwnerAccounts(delegatedState(loaded), terms, (limits, usage) =>
    addOverrunToLimits(limits, usage, terms.amountMicro, now),
  )
  return {
    result: payment,
    ...ownerAccountRows(counted),
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
