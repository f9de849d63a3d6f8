import type { Delegation } from '../ledger/delegation.ts'
import { type EndUserAccount, endUserAccountId } from '../ledger/end-user-account.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { recordedLimits } from '../ledger/recorded-limits.ts'
import { formatAmount } from '../money/amount.ts'
import { startWindow } from '../money/limit-windows.ts'
import { findMerchantLimitChange, type Limits, type Usage } from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'

/**
 * Sets an end user's limits over all delegations. Amounts that the delegations spent and hold before
 * count, too. Throws `invalid_input` if a limit is below them.
 */
export function limitEndUser(
  state: LedgerState,
  endUser: string,
  limits: Limits,
  reason: string | undefined,
  now: number,
): Change<EndUserAccount> {
  const { endUser: known, delegations = [] } = state
  const next = limitAccount(known, delegations, { endUser, limits }, now)
  const problem = findLimitsProblem(known, next)
  if (problem) throw new BursarError('invalid_input', `setLimits: ${problem}.`)
  return {
    result: next,
    endUsers: [next],
    events: [
      {
        type: 'end-user-limited',
        endUser,
        limits: recordedLimits(limits),
        ...(known ? { before: recordedLimits(known.limits) } : {}),
        ...(reason === undefined ? {} : { reason }),
      },
    ],
  }
}

/** Returns the end user's account under new limits, with the usage of all their delegations. */
export function limitAccount(
  known: EndUserAccount | undefined,
  delegations: readonly Delegation[],
  { endUser, limits }: Pick<EndUserAccount, 'endUser' | 'limits'>,
  now: number,
): EndUserAccount {
  const spent = sumEndUserSpending(delegations, limits.currency)
  return {
    id: endUserAccountId(endUser),
    endUser,
    limits,
    usage: { ...spent, windows: carryWindowUsage(known, limits, spent, now) },
    createdAt: known?.createdAt ?? now,
  }
}

/** Returns the windows' usage: kept windows go on, and a new window counts all spending as of now. */
function carryWindowUsage(
  known: EndUserAccount | undefined,
  limits: Limits,
  spent: Usage,
  now: number,
): Usage['windows'] {
  return limits.windows.map(({ per }) => {
    const position = known?.limits.windows.findIndex((one) => one.per === per) ?? -1
    const counted = known?.usage.windows[position]
    return counted ?? startWindow(per, spent, now)
  })
}

/** Sums up what delegations have spent and hold in one currency. */
function sumEndUserSpending(delegations: readonly Delegation[], currency: string): Usage {
  let [settledMicro, heldMicro, payments] = [0n, 0n, 0]
  for (const { limits, usage } of delegations) {
    if (limits.currency !== currency) continue
    settledMicro += usage.settledMicro
    heldMicro += usage.heldMicro
    payments += usage.payments
  }
  return { settledMicro, heldMicro, payments, windows: [] }
}
function findLimitsProblem(
  known: EndUserAccount | undefined,
  { limits, usage }: EndUserAccount,
): string | undefined {
  const { currency, totalMicro } = limits
  if (known && known.limits.currency !== currency) {
    return `limits.currency: must stay ${known.limits.currency}`
  }
  const bound = usage.settledMicro + usage.heldMicro
  if (totalMicro < bound) {
    return `limits.total: ${formatAmount(bound)} ${currency} is committed already`
  }
  if (known || usage.payments > 0) {
    return findMerchantLimitChange(known?.limits.perMerchant, limits.perMerchant)
  }
  return undefined
}
