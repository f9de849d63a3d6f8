import type { MerchantTotals } from '../audit/archive-family.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { payingState } from '../ledger/paying-state.ts'
import { recordedWindows } from '../ledger/recorded-usage.ts'
import { formatAmount } from '../money/amount.ts'
import type { Limits } from '../money/limits.ts'
import type { Store } from '../ports/store.ts'
import { inTurns } from '../primitives/in-turns.ts'

/** Merchants that are recorded at the same time. */
const CONCURRENCY = 8

/**
 * Records what an archive has of each merchant, where the delegation or the end user limits each
 * merchant: without its records nobody could say any more what was spent there. All of it is durable
 * before a record of the archive goes; interrupted, what is missing is recorded by the next call.
 */
export async function declareMerchants(
  store: Store,
  session: string,
  merchants: Iterable<MerchantTotals>,
): Promise<void> {
  if (!limitsMerchants(await store.read({ session }))) return
  await inTurns([...merchants], CONCURRENCY, (one) => {
    const scope = { session, host: one.host, payee: one.payee }
    return store.commit(scope, (state) => declared(state, one), 'now')
  })
}

/** Whether an account that outlives the session limits each merchant. */
function limitsMerchants({ delegation, endUser }: LedgerState): boolean {
  return [delegation, endUser].some((one) => one?.limits.perMerchant !== undefined)
}

/** Nothing, where another call has removed the session meanwhile. */
function declared(state: LedgerState, totals: MerchantTotals): Change<undefined> {
  if (!state.session) return { result: undefined, events: [] }
  const { session, delegation } = payingState(state)
  const { host, payee, payments, settledMicro } = totals
  const own = windowsAt(state, delegation)
  const endUser = state.endUser && windowsAt(state, state.endUser)
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

/** What an account counts in its windows at the merchant; `undefined` where it has counted nothing. */
function windowsAt(
  { merchantUsages }: LedgerState,
  account: { readonly id: string; readonly limits: Limits },
): ReturnType<typeof recordedWindows> | undefined {
  const found = merchantUsages?.find((one) => one.account === account.id)
  return found && recordedWindows(found.usage)
}
