import { z } from 'zod'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import { type MerchantRule, merchantsInput } from '../ledger/merchant.ts'
import { type PayingState, payingState } from '../ledger/paying-state.ts'
import { recordedLimits } from '../ledger/recorded-limits.ts'
import type { Session } from '../ledger/session.ts'
import { formatAmount } from '../money/amount.ts'
import {
  findMerchantLimitChange,
  findWiderLimit,
  type Limits,
  type LimitsInput,
  limitsInput,
  type Usage,
} from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'
import { durationField, textField } from '../primitives/fields.ts'
import { findAccountEnd } from './account-end.ts'

/** The input of `changeSession`. Fields that are left out stay as they are. */
export interface SessionChangeInput {
  /** The whole limits, which replace the present ones. */
  readonly limits?: LimitsInput | undefined
  /**
   * The time from now to the new end, for example `'30m'`: sooner or later than the present end.
   */
  readonly expiresIn?: string | undefined
  readonly merchants?:
    | readonly { readonly host: string; readonly payees?: readonly string[] | undefined }[]
    | undefined
  /** The reason, for the audit record. */
  readonly reason?: string | undefined
}

/** The parsed `SessionChangeInput`. */
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
 * Narrows, raises or extends a session, within its delegation and the sessions above it. Throws
 * `invalid_input` if the new total is below what is committed, and the code of a session that has ended.
 */
export function applySessionChange(
  loaded: LedgerState,
  input: ParsedSessionChange,
  now: number,
): Change<Session> {
  const state = payingState(loaded)
  const { session } = state
  const ended = findAccountEnd(state, now)
  if (ended && ended.code !== 'session_locked') {
    throw new BursarError(ended.code, `changeSession: ${ended.detail}.`)
  }
  const limits = input.limits ?? session.limits
  const expiresAt = input.expiresIn === undefined ? session.expiresAt : now + input.expiresIn
  const problem =
    findSessionChangeProblem(state, input, expiresAt) ??
    findCommittedSessionProblem(session, limits)
  if (problem) throw new BursarError('invalid_input', `changeSession: ${problem}.`)
  const next: Session = {
    ...session,
    limits,
    usage: { ...session.usage, windows: keepSessionWindows(session, limits) },
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

/** Returns the first given field that is wider than an account above, or undefined. */
function findSessionChangeProblem(
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

/** Returns why limits cannot be narrowed so far: money is committed, or a new window meets a hold. */
function findCommittedSessionProblem(
  { usage, limits: before }: Session,
  limits: Limits,
): string | undefined {
  const bound = usage.settledMicro + usage.heldMicro
  if (limits.totalMicro < bound) {
    return `limits.total: ${formatAmount(bound)} ${limits.currency} is committed already`
  }
  const isNew = limits.windows.some(({ per }) => before.windows.every((one) => one.per !== per))
  // The release of such a hold would be taken from a bucket that never counted it.
  return isNew && usage.heldMicro > 0n
    ? 'limits.windows: a window can begin only while no payment is held; try again when it is proved'
    : findMerchantLimitChange(before.perMerchant, limits.perMerchant)
}

/** Returns the windows' usage: kept windows go on, and a new window begins empty. */
export function keepSessionWindows(
  { limits: before, usage }: Pick<Session, 'limits' | 'usage'>,
  limits: Limits,
): Usage['windows'] {
  return limits.windows.map(({ per }) => {
    const position = before.windows.findIndex((one) => one.per === per)
    return usage.windows[position] ?? []
  })
}
