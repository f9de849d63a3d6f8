import { z } from 'zod'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { type MerchantRule, merchantsInput } from '../ledger/merchant.ts'
import { type PayingState, payingState } from '../ledger/paying-state.ts'
import { recordedLimits } from '../ledger/recorded-limits.ts'
import type { Session } from '../ledger/session.ts'
import { formatAmount } from '../money/amount.ts'
import {
  findPerMerchantChange,
  findWiderLimit,
  type Limits,
  type LimitsInput,
  limitsInput,
  type Usage,
} from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'
import { durationField, textField } from '../primitives/fields.ts'
import { standing } from './account-end.ts'

/** What `changeSession` takes: what is left out stays as it is. */
export interface SessionChangeInput {
  /** The whole limits, as they are to be from now on. */
  readonly limits?: LimitsInput | undefined
  /** From now on, for example `'30m'`: it may end the session sooner or later than before. */
  readonly expiresIn?: string | undefined
  readonly merchants?:
    | readonly { readonly host: string; readonly payees?: readonly string[] | undefined }[]
    | undefined
  readonly reason?: string | undefined
}

/** `SessionChangeInput`, parsed. */
export interface ParsedSessionChange {
  readonly limits?: Limits | undefined
  readonly expiresIn?: number | undefined
  readonly merchants?: readonly MerchantRule[] | undefined
  readonly reason?: string | undefined
}

export const sessionChangeInput: z.ZodType<ParsedSessionChange, SessionChangeInput> = z
  .strictObject({
    limits: limitsInput.optional(),
    expiresIn: durationField.optional(),
    merchants: merchantsInput.optional(),
    reason: textField.optional(),
  })
  .refine(({ limits, expiresIn, merchants }) => limits ?? expiresIn ?? merchants, {
    message: 'has to change limits, expiresIn or merchants',
  })

/**
 * Narrows, raises or extends a session: within its delegation and the session above it, and never
 * below what is committed. What has ended does not live again.
 */
export function changedSession(
  loaded: LedgerState,
  input: ParsedSessionChange,
  now: number,
): Change<Session> {
  const state = payingState(loaded)
  const { session } = state
  const ended = standing(state, now)
  if (ended && ended.code !== 'session_locked') {
    throw new BursarError(ended.code, `changeSession: ${ended.detail}.`)
  }
  const limits = input.limits ?? session.limits
  const expiresAt = input.expiresIn === undefined ? session.expiresAt : now + input.expiresIn
  const problem = outside(state, input, expiresAt) ?? committed(session, limits)
  if (problem) throw new BursarError('invalid_input', `changeSession: ${problem}.`)
  const next: Session = {
    ...session,
    limits,
    usage: { ...session.usage, windows: keptWindows(session, limits) },
    expiresAt,
    ...(input.merchants ? { merchants: input.merchants } : {}),
  }
  return {
    result: next,
    sessions: [next],
    events: [
      {
        type: 'session-changed',
        session: session.id,
        delegation: session.delegation,
        limits: recordedLimits(limits),
        before: recordedLimits(session.limits),
        ...(next.merchants ? { merchants: next.merchants } : {}),
        expiresAt,
        expiredAt: session.expiresAt,
        ...(input.reason === undefined ? {} : { reason: input.reason }),
      },
    ],
  }
}

/** Only what is given has to fit: what was there before is bound by the sessions above anyway. */
function outside(
  { ancestors, delegation }: PayingState,
  { limits, expiresIn }: ParsedSessionChange,
  expiresAt: number,
): string | undefined {
  for (const above of [...ancestors, delegation]) {
    const wider = limits && findWiderLimit(limits, above.limits)
    if (wider) return wider
    if (expiresIn !== undefined && expiresAt > above.expiresAt) {
      return `expiresIn: ends after ${above.id}, from which it draws`
    }
  }
  return undefined
}

/** Narrowing stops at what is committed, and a window that begins must find nothing held. */
function committed({ usage, limits: before }: Session, limits: Limits): string | undefined {
  const bound = usage.settledMicro + usage.heldMicro
  if (limits.totalMicro < bound) {
    return `limits.total: ${formatAmount(bound)} ${limits.currency} is committed already`
  }
  const isNew = limits.windows.some(({ per }) => before.windows.every((one) => one.per !== per))
  // A later release would take from a bucket that never counted its payment.
  return isNew && usage.heldMicro > 0n
    ? 'limits.windows: a window can begin only while no payment is held; try again when it is proved'
    : findPerMerchantChange(before.perMerchant, limits.perMerchant)
}

/** A window that stays keeps what was counted in it; a new one counts from now on. */
export function keptWindows(
  { limits: before, usage }: Pick<Session, 'limits' | 'usage'>,
  limits: Limits,
): Usage['windows'] {
  return limits.windows.map(({ per }) => {
    const position = before.windows.findIndex((one) => one.per === per)
    return usage.windows[position] ?? []
  })
}
