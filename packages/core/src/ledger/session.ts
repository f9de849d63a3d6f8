import { z } from 'zod'
import { type Limits, type LimitsInput, limitsInput, type Usage } from '../money/limits.ts'
import { durationField, nameField } from '../primitives/fields.ts'
import { type AskInput, type AskRule, askInput } from './approval.ts'
import { type MerchantRule, merchantsInput } from './merchant.ts'

/** A payment session: a scoped context with a budget, an expiry and merchants. */
export interface Session {
  readonly id: string
  readonly delegation: string
  /** The name by which set-up code finds it again. */
  readonly name?: string
  /** The session from whose budget this child session draws. */
  readonly parent?: string
  /** The id of the credential that has to come with the token. If absent, the token alone pays. */
  readonly payer?: string
  /** The SHA-256 of the session token, as hex. The token is stored nowhere. */
  readonly tokenHash: string
  /** The hashes of the tokens that later calls by its name got: the newest `MAX_FURTHER_TOKENS`, oldest first. */
  readonly furtherTokenHashes?: readonly string[]
  readonly limits: Limits
  readonly usage: Usage
  readonly merchants?: readonly MerchantRule[]
  /** The payments that ask a human. */
  readonly ask?: AskRule
  /** The time in milliseconds in which an identical request gets its stored result. */
  readonly repeatAfterMs: number
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt?: number
  /** The time when its own payer closed it. */
  readonly closedAt?: number
  /** The time when management, or an overrun, locked it. */
  readonly lockedAt?: number
}

/** The input of `createSession`. */
export interface SessionInput {
  /** The id of the delegation that the session spends under. */
  readonly delegation: string
  /**
   * A public name, unique for the delegation's end user and agent. A second call with this name and an equal
   * input returns the same session, with what is left in it, and one more token; the first token and the
   * newest 15 others pay. Once the session has expired or its payer has closed it, the name opens the next
   * one in the same delegation. A revoked one stays revoked.
   *
   * @default no name: every call creates another session
   */
  readonly name?: string | undefined
  /**
   * A duration, for example `'30m'`; at most ten years.
   *
   * @default until the delegation ends
   */
  readonly expiresIn?: string | undefined
  /** The limits of the session, none above those of the delegation. */
  readonly limits: LimitsInput
  /** The only merchants that may be paid, at most 200. If you leave them out, those of the delegation. */
  readonly merchants?:
    | readonly { readonly host: string; readonly payees?: readonly string[] | undefined }[]
    | undefined
  /** The payments that ask a human, besides those that the delegation asks about. */
  readonly ask?: AskInput | undefined
  /**
   * A duration in which an identical request gets its stored result and is not paid again.
   *
   * @default '60s'
   */
  readonly repeatAfter?: string | undefined
  /**
   * The id of the credential, such as a service key, that the session is bound to. The token pays only
   * together with it, so that the manager who created the session cannot spend from it.
   */
  readonly payer?: string | undefined
}

/** A parsed `SessionInput`. Durations are in milliseconds. */
export interface ParsedSession {
  readonly delegation: string
  readonly name?: string | undefined
  readonly expiresIn?: number | undefined
  readonly limits: Limits
  readonly merchants?: readonly MerchantRule[] | undefined
  readonly ask?: AskRule | undefined
  readonly repeatAfter?: number | undefined
  readonly payer?: string | undefined
}

/** Parses `SessionInput`. */
export const sessionInput: z.ZodType<ParsedSession, SessionInput> = z.strictObject({
  delegation: nameField,
  name: nameField.optional(),
  expiresIn: durationField.optional(),
  limits: limitsInput,
  merchants: merchantsInput.optional(),
  ask: askInput.optional(),
  repeatAfter: durationField.optional(),
  payer: nameField.optional(),
})

/** The input of `openChild`. A child session is never wider than the session that opens it. */
export interface ChildInput {
  /** The limits of the child, none above those of the session that opens it. */
  readonly limits: LimitsInput
  /** A duration, for example `'10m'`. The child ends with its parent at the latest. */
  readonly expiresIn: string
  /** The only merchants that may be paid. If you leave them out, those of the session that opens it. */
  readonly merchants?:
    | readonly { readonly host: string; readonly payees?: readonly string[] | undefined }[]
    | undefined
  /** The id of the credential that the child is bound to. The opener's by default. */
  readonly payer?: string | undefined
}

/** A parsed `ChildInput`. `expiresIn` is in milliseconds. */
export interface ParsedChild {
  readonly limits: Limits
  readonly expiresIn: number
  readonly merchants?: readonly MerchantRule[] | undefined
  readonly payer?: string | undefined
}

/** Parses `ChildInput`. */
export const childInput: z.ZodType<ParsedChild, ChildInput> = z.strictObject({
  limits: limitsInput,
  expiresIn: durationField,
  merchants: merchantsInput.optional(),
  payer: nameField.optional(),
})

/** The most levels of nested sessions. A payment loads and locks every level above it. */
export const MAX_SESSION_DEPTH = 4

/** The default of `repeatAfter`, in milliseconds. */
export const DEFAULT_REPEAT_AFTER_MS = 60_000

/** Returns the denial code of a session that has ended or is locked, or undefined if it is alive. */
export function sessionEnd(
  session: Session,
  now: number,
): 'session_revoked' | 'session_expired' | 'session_locked' | undefined {
  if (session.revokedAt !== undefined || session.closedAt !== undefined) return 'session_revoked'
  if (now >= session.expiresAt) return 'session_expired'
  return session.lockedAt === undefined ? undefined : 'session_locked'
}

/** The most tokens of a named session besides its first one. The oldest of them makes room for a new one. */
const MAX_FURTHER_TOKENS = 15

/** Returns a session that one more token pays for. */
export function sessionWithFurtherToken(session: Session, tokenHash: string): Session {
  const tokens = [...(session.furtherTokenHashes ?? []), tokenHash]
  return { ...session, furtherTokenHashes: tokens.slice(-MAX_FURTHER_TOKENS) }
}

/**
 * Checks whether the name of a session that has ended still answers with it: a revoked one stays revoked as long
 * as its delegation lives.
 */
export function sessionKeepsName({ name, revokedAt }: Session): boolean {
  return name !== undefined && revokedAt !== undefined
}
