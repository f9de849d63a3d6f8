import { z } from 'zod'
import { type Limits, type LimitsInput, limitsInput, type Usage } from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'
import { durationField, nameField, textField } from '../primitives/fields.ts'
import { type AskInput, type AskRule, askInput } from './approval.ts'
import { type MerchantRule, merchantsInput } from './merchant.ts'

/** An end user's explicit, scoped and revocable permission for an agent to spend. */
export interface Delegation {
  readonly id: string
  readonly endUser: string
  readonly agent: string
  /** The name by which set-up code finds it again. */
  readonly name?: string
  /** The handle of the instrument that is spent from. */
  readonly instrument: string
  readonly limits: Limits
  readonly usage: Usage
  /** The only merchants that may be paid. If absent, each new merchant asks. */
  readonly merchants?: readonly MerchantRule[]
  /** The payments that ask a human. */
  readonly ask?: AskRule
  readonly consent: Consent
  /** The time of the grant in milliseconds since the epoch, like every time in the ledger. */
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt?: number
  /** The permission at the wallet's provider. It is absent if the instrument has no permissions. */
  readonly permission?: DelegationPermission
}

/** The evidence that the end user agreed. The guard records the end user and the time with it. */
export interface Consent {
  /** The place where the end user agreed, for example `settings page`. */
  readonly how: string
  /** A pointer to the evidence, for example the id of a signed form. */
  readonly reference?: string
}

/** The input of `grantDelegation`. */
export interface DelegationInput {
  /** The name of the agent, at most 120 characters. */
  readonly agent: string
  /**
   * A public name, unique for the end user and the agent. A second grant with this name and an equal input
   * returns the delegation of the first, and none is made: so code that runs at each start keeps one total. A
   * name whose delegation was revoked or has expired stays with it; the end user's new consent needs another.
   *
   * @default no name: every call grants another delegation
   */
  readonly name?: string | undefined
  /** The handle of one of the end user's instruments. */
  readonly instrument: string
  /** A duration, for example `'30d'`; at most ten years. */
  readonly expiresIn: string
  /** The limits over all sessions of the delegation. */
  readonly limits: LimitsInput
  /** The only merchants that may be paid, at most 200. If you leave them out, each new merchant asks. */
  readonly merchants?:
    | readonly { readonly host: string; readonly payees?: readonly string[] | undefined }[]
    | undefined
  /** The payments that ask a human, besides those to new merchants. */
  readonly ask?: AskInput | undefined
  /** The evidence that the end user agreed. */
  readonly consent: { readonly how: string; readonly reference?: string | undefined }
}

/** A parsed `DelegationInput`. `expiresIn` is in milliseconds. */
export interface ParsedDelegation {
  readonly agent: string
  readonly name?: string | undefined
  readonly instrument: string
  readonly expiresIn: number
  readonly limits: Limits
  readonly merchants?: readonly MerchantRule[] | undefined
  readonly ask?: AskRule | undefined
  readonly consent: { readonly how: string; readonly reference?: string | undefined }
}

/** Parses `DelegationInput`. */
export const delegationInput: z.ZodType<ParsedDelegation, DelegationInput> = z.strictObject({
  agent: nameField,
  name: nameField.optional(),
  instrument: nameField,
  expiresIn: durationField,
  limits: limitsInput,
  merchants: merchantsInput.optional(),
  ask: askInput.optional(),
  consent: z.strictObject({ how: textField, reference: textField.optional() }),
})

/** Returns the denial code of a delegation that has ended, or undefined if it is alive. */
export function delegationEnd(
  delegation: Delegation,
  now: number,
): 'delegation_revoked' | 'delegation_expired' | undefined {
  if (delegation.revokedAt !== undefined) return 'delegation_revoked'
  return now >= delegation.expiresAt ? 'delegation_expired' : undefined
}

/** Makes the error for an unknown id and for another end user's delegation, so that ids do not leak. */
export function unknownDelegation(id: string): BursarError {
  return new BursarError('delegation_unknown', `There is no delegation called ${id}.`)
}

/** The state of a delegation's permission at the wallet's provider, as the ledger knows it. */
export interface DelegationPermission {
  /** The provider's name of the permission. */
  readonly id?: string
  /**
   * `requested`: not granted yet, so payments are denied. `withdrawing`: the delegation is revoked, and the
   * provider has not confirmed the end of the permission. `not_withdrawn`: withdrawing failed, and is tried
   * again.
   */
  readonly state: 'requested' | 'granted' | 'withdrawing' | 'not_withdrawn' | 'withdrawn'
}

/**
 * Checks whether a delegation's permission still has to be granted or withdrawn at the provider. A store
 * lists such delegations with `unsettled`.
 *
 * @example
 * ```ts
 * const { rows } = await store.delegations({ unsettled: true }, {})
 * rows.every(isUnsettled) // true
 * ```
 */
export function isUnsettled({ permission }: Delegation): boolean {
  if (!permission) return false
  switch (permission.state) {
    case 'granted':
    case 'withdrawn':
      return false
    case 'requested':
    case 'withdrawing':
    case 'not_withdrawn':
      return true
    default:
      return permission.state satisfies never
  }
}

/** Returns the delegation as revoked at a time, with its permission about to be withdrawn. */
export function revokedDelegation(delegation: Delegation, at: number): Delegation {
  const { permission } = delegation
  return {
    ...delegation,
    revokedAt: at,
    ...(permission ? { permission: { ...permission, state: 'withdrawing' } } : {}),
  }
}
