import { z } from 'zod'
import { type Limits, type LimitsInput, limitsInput, type Usage } from '../money/limits.ts'
import { durationField, nameField } from '../primitives/fields.ts'
import { type AskInput, type AskRule, askInput } from './approval.ts'
import { type MerchantRule, merchantsInput } from './merchant.ts'

/** A scoped payment context: budget, expiry, merchants. */
export interface Session {
  readonly id: string
  readonly delegation: string
  /** The session that a child draws from. */
  readonly parent?: string
  /** The credential that has to come with the token; without one, the token alone pays. */
  readonly payer?: string
  /** SHA-256 of the session token, hex. The token itself is stored nowhere. */
  readonly tokenHash: string
  readonly limits: Limits
  readonly usage: Usage
  readonly merchants?: readonly MerchantRule[]
  /** When it asks a human, besides what it leaves open. */
  readonly ask?: AskRule
  /** How long an identical request is answered with its stored result. */
  readonly repeatAfterMs: number
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt?: number
  /** Set when its own payer closed it. */
  readonly closedAt?: number
  /** Set when management, or an overrun, stopped it. */
  readonly lockedAt?: number
}

/** What `createSession` takes. */
export interface SessionInput {
  readonly delegation: string
  /** For example `'30m'`. */
  readonly expiresIn: string
  readonly limits: LimitsInput
  readonly merchants?:
    | readonly { readonly host: string; readonly payees?: readonly string[] | undefined }[]
    | undefined
  /** When it asks a human, besides what it leaves open. */
  readonly ask?: AskInput | undefined
  /** For example `'60s'`, the default. */
  readonly repeatAfter?: string | undefined
  /**
   * The credential that the session is bound to, such as the id of a key: only together with it does
   * the token pay, so that whoever created the session cannot spend from it.
   */
  readonly payer?: string | undefined
}

/** `SessionInput`, parsed. */
export interface ParsedSession {
  readonly delegation: string
  readonly expiresIn: number
  readonly limits: Limits
  readonly merchants?: readonly MerchantRule[] | undefined
  readonly ask?: AskRule | undefined
  readonly repeatAfter?: number | undefined
  readonly payer?: string | undefined
}

export const sessionInput: z.ZodType<ParsedSession, SessionInput> = z.strictObject({
  delegation: nameField,
  expiresIn: durationField,
  limits: limitsInput,
  merchants: merchantsInput.optional(),
  ask: askInput.optional(),
  repeatAfter: durationField.optional(),
  payer: nameField.optional(),
})

/** What `openChild` takes: never wider than the session that it is opened from. */
export interface ChildInput {
  readonly limits: LimitsInput
  /** For example `'10m'`. */
  readonly expiresIn: string
  readonly merchants?:
    | readonly { readonly host: string; readonly payees?: readonly string[] | undefined }[]
    | undefined
  /** The credential that it is bound to; the opener's unless another one is named. */
  readonly payer?: string | undefined
}

export const childInput: z.ZodType<Omit<ParsedSession, 'delegation'>, ChildInput> = z.strictObject({
  limits: limitsInput,
  expiresIn: durationField,
  merchants: merchantsInput.optional(),
  payer: nameField.optional(),
})

/** How deep sessions may be nested: each level is loaded and locked with every payment below it. */
export const MAX_SESSION_DEPTH = 4

/** How long an identical request is answered with its stored result, unless the session says so. */
export const DEFAULT_REPEAT_AFTER_MS = 60_000

/** Why nothing can be paid within a session now, or `undefined` if something can. */
export function sessionEnd(
  session: Session,
  now: number,
): 'session_revoked' | 'session_expired' | 'session_locked' | undefined {
  if (session.revokedAt !== undefined || session.closedAt !== undefined) return 'session_revoked'
  if (now >= session.expiresAt) return 'session_expired'
  return session.lockedAt === undefined ? undefined : 'session_locked'
}
