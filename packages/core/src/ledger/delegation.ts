import { z } from 'zod'
import { type Limits, type LimitsInput, limitsInput, type Usage } from '../money/limits.ts'
import type { DelegationPermission } from '../ports/permissions.ts'
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
