import { accountLineOf, accountUsageAt } from '../ledger/accounts.ts'
import { type Denial, type DenialFacts, deny } from '../ledger/denial.ts'
import type { PayingState } from '../ledger/paying-state.ts'
import type { Terms } from '../ledger/payment.ts'
import { type Excess, findLimitExcesses } from '../money/limits.ts'

/** Returns a refusal for each limit that a payment would exceed, in any account that would count it. */
export function findLimitDenials(state: PayingState, terms: Terms, now: number): Denial[] {
  const { amountMicro, currency, host } = terms
  const facts = { amountMicro, currency, host }
  return accountLineOf(state).flatMap((one) => {
    const { limits, usage, id } = one
    const own = { ...facts, cause: `${limitedAccountKind(one)} ${id}` }
    const denials = findLimitExcesses(limits, usage, terms.amountMicro, now).map((excess) =>
      denyLimitExcess(excess, totalCodes[limitedAccountKind(one)], own),
    )
    if (limits.currency !== terms.currency) denials.push(deny('currency_mismatch', facts))
    if (limits.perMerchant) {
      const spent = accountUsageAt(state, id, terms).usage
      const excess = findLimitExcesses(limits.perMerchant, spent, terms.amountMicro, now)
      denials.push(...excess.map((found) => denyMerchantLimitExcess(found, own, terms)))
    }
    return denials
  })
}

const totalCodes = {
  session: 'session_limit_exceeded',
  delegation: 'delegation_limit_exceeded',
  'end user': 'end_user_limit_exceeded',
} as const

function limitedAccountKind(
  one: ReturnType<typeof accountLineOf>[number],
): keyof typeof totalCodes {
  if ('tokenHash' in one) return 'session'
  return 'agent' in one ? 'delegation' : 'end user'
}

/** Refuses with one code for every limit of a merchant: the way out is another merchant. */
function denyMerchantLimitExcess(excess: Excess, facts: DenialFacts, { payee }: Terms): Denial {
  const { cause, ...rest } = describeLimitExcess(excess)
  const causes = [facts.cause, `payee ${payee}`, cause].filter((part) => part !== undefined)
  return deny('merchant_limit_exceeded', { ...facts, ...rest, cause: causes.join(': ') })
}

function denyLimitExcess(
  excess: Excess,
  total: (typeof totalCodes)[keyof typeof totalCodes],
  facts: DenialFacts,
): Denial {
  const codes = {
    'per-payment': 'payment_limit_exceeded',
    count: 'payment_count_exceeded',
    window: 'window_limit_exceeded',
    total,
  } as const
  const { cause, ...rest } = describeLimitExcess(excess)
  const causes = cause === undefined ? facts.cause : `${facts.cause}: ${cause}`
  return deny(codes[excess.kind], { ...facts, ...rest, cause: causes })
}

function describeLimitExcess(excess: Excess): DenialFacts {
  switch (excess.kind) {
    case 'per-payment':
      return { limitMicro: excess.limitMicro }
    case 'count':
      return { cause: `${excess.limit}` }
    case 'window':
      return { limitMicro: excess.window.amountMicro, cause: `per ${excess.window.per}` }
    case 'total':
      return { limitMicro: excess.limitMicro, remainingMicro: excess.remainingMicro }
    /* v8 ignore next -- @preserve: the compiler knows that nothing is left */
    default:
      return excess satisfies never
  }
}
