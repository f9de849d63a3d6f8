import { z } from 'zod'
import { type Limits, type LimitsInput, limitsInput, type Usage } from '../money/limits.ts'
import { BursarError } from '../primitives/errors.ts'
import { durationField, nameField, textField } from '../primitives/fields.ts'
import { type AskInput, type AskRule, askInput } from './approval.ts'
import { type MerchantRule, merchantsInput } from './merchant.ts'

/** The end user's explicit, scoped, revocable permission for an agent to spend. */
export interface Delegation {
  readonly id: string
  readonly endUser: string
  readonly agent: string
  /** Handle of the instrument that is spent from. */
  readonly instrument: string
  readonly limits: Limits
  readonly usage: Usage
  /** Without it, each new merchant asks. */
  readonly merchants?: readonly MerchantRule[]
  /** When it asks a human, besides what it leaves open. */
  readonly ask?: AskRule
  readonly consent: Consent
  /** Milliseconds since the epoch, like every time in the ledger. */
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt?: number
  /** What is known of it at the wallet's provider; absent where the instrument has no permissions. */
  readonly permission?: DelegationPermission
}

/** The evidence that the end user agreed: who and when are recorded with it by the guard. */
export interface Consent {
  /** Where the end user said yes, for example `settings page`. */
  readonly how: string
  /** Where the evidence can be found, for example the id of a signed form. */
  readonly reference?: string
}

/** What `grantDelegation` takes. */
export interface DelegationInput {
  readonly agent: string
  readonly instrument: string
  /** For example `'30d'`. */
  readonly expiresIn: string
  readonly limits: LimitsInput
  readonly merchants?:
    | readonly { readonly host: string; readonly payees?: readonly string[] | undefined }[]
    | undefined
  /** When it asks a human, besides what it leaves open. */
  readonly ask?: AskInput | undefined
  readonly consent: { readonly how: string; readonly reference?: string | undefined }
}

/** `DelegationInput`, parsed. */
export interface ParsedDelegation {
  readonly agent: string
  readonly instrument: string
  readonly expiresIn: number
  readonly limits: Limits
  readonly merchants?: readonly MerchantRule[] | undefined
  readonly ask?: AskRule | undefined
  readonly consent: { readonly how: string; readonly reference?: string | undefined }
}

export const delegationInput: z.ZodType<ParsedDelegation, DelegationInput> = z.strictObject({
  agent: nameField,
  instrument: nameField,
  expiresIn: durationField,
  limits: limitsInput,
  merchants: merchantsInput.optional(),
  ask: askInput.optional(),
  consent: z.strictObject({ how: textField, reference: textField.optional() }),
})

/** Why a delegation cannot be spent from now, or `undefined` if it can. */
export function delegationEnd(
  delegation: Delegation,
  now: number,
): 'delegation_revoked' | 'delegation_expired' | undefined {
  if (delegation.revokedAt !== undefined) return 'delegation_revoked'
  return now >= delegation.expiresAt ? 'delegation_expired' : undefined
}

/** Another's delegation is answered like one that does not exist: nobody learns others' ids. */
export function unknownDelegation(id: string): BursarError {
  return new BursarError('delegation_unknown', `There is no delegation called ${id}.`)
}

/** What the ledger knows of a delegation's permission at the provider. */
export interface DelegationPermission {
  /** What the provider calls it. */
  readonly id?: string
  /**
   * `requested`: not granted yet, and nothing can be spent. `withdrawing`: the delegation is revoked, and
   * the provider has not said yet that the permission is gone. `not_withdrawn`: it could not be withdrawn
   * so far; it is tried again.
   */
  readonly state: 'requested' | 'granted' | 'withdrawing' | 'not_withdrawn' | 'withdrawn'
}

/** Whether something is still to be done about a delegation's permission at the provider. */
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

/** The delegation from the moment on that it is revoked: its permission is about to be withdrawn. */
export function revokedDelegation(delegation: Delegation, at: number): Delegation {
  const { permission } = delegation
  return {
    ...delegation,
    revokedAt: at,
    ...(permission ? { permission: { ...permission, state: 'withdrawing' } } : {}),
  }
}
