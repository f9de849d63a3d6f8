import type { MerchantTotals } from '../audit/archive-family.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { payingState } from '../ledger/paying-state.ts'
import { recordedWindows } from '../ledger/recorded-usage.ts'
import { formatAmount } from '../money/amount.ts'
import type { Limits } from '../money/limits.ts'
import type { Store } from '../ports/store.ts'
import { inTurns } from '../primitives/in-turns.ts'

/** The merchants that are recorded at the same time. */
const CONCURRENCY = 8

/**
 * Records an archive's sums for each merchant if the delegation or the end user has per-merchant limits: these
 * still count the sums after the archive's records are gone. All are durable before a record is removed.
 * After an interruption, the next call records the missing ones.
 */
export async function declareMerchants(
  store: Store,
  session: string,
  merchants: Iterable<MerchantTotals>,
): Promise<void> {
  if (!limitsMerchants(await store.read({ session }))) return
  await inTurns([...merchants], CONCURRENCY, (one) => {
    const scope = { session, host: one.host, payee: one.payee }
    return store.commit(scope, (state) => declareMerchant(state, one), 'now')
  })
}

/** Checks whether the delegation or the end user, which outlive the session, have per-merchant limits. */
function limitsMerchants({ delegation, endUser }: LedgerState): boolean {
  return [delegation, endUser].some((one) => one?.limits.perMerchant !== undefined)
}

/** Records the sums of one merchant. Changes nothing if another call has removed the session meanwhile. */
function declareMerchant(state: LedgerState, totals: MerchantTotals): Change<undefined> {
  if (!state.session) return { result: undefined, events: [] }
  const { session, delegation } = payingState(state)
  const { host, payee, payments, settledMicro } = totals
  const own = merchantWindowsAt(state, delegation)
  const endUser = state.endUser && merchantWindowsAt(state, state.endUser)
  return {
    result: undefined,
    events: [
      {
        type: 'merchant-archived',
        session: session.id,
        delegation: delegation.id,
        endUser: delegation.endUser,
        host,
        payee,
        payments,
        settled: formatAmount(settledMicro),
        ...(own && { delegationWindows: own }),
        ...(endUser && { endUserWindows: endUser }),
      },
    ],
  }
}

/** Returns the windows that an account counts at the merchant. Returns undefined if it has paid nothing there. */
function merchantWindowsAt(
  { merchantUsages }: LedgerState,
  account: { readonly id: string; readonly limits: Limits },
): ReturnType<typeof recordedWindows> | undefined {
  const found = merchantUsages?.find((one) => one.account === account.id)
  return found && recordedWindows(found.usage)
}
