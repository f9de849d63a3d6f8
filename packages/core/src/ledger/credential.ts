import { z } from 'zod'
import { durationField, nameField, textField } from '../primitives/fields.ts'
import { type Role, roleConflict, roles } from './role.ts'

/**
 * A key of the service: its roles, and how long it is valid. A session that names a key as its payer pays
 * only together with that key.
 */
export interface Credential {
  readonly id: string
  readonly roles: readonly Role[]
  /** The one end user that an `end_user` key speaks for. */
  readonly endUser?: string
  /** A name for people. */
  readonly label?: string
  /** The valid secrets, newest first. A rotated key has two during the overlap. */
  readonly secrets: readonly CredentialSecret[]
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt?: number
  /** The time of its last use, up to `USED_EVERY_MS` too early. */
  readonly usedAt?: number
}

/** A secret of a key, as its hash. */
export interface CredentialSecret {
  /** The SHA-256 of the key's whole text, which has 256 random bits, as hex. The text is stored nowhere. */
  readonly hash: string
  /** The end of the overlap after a rotation, in milliseconds since the epoch. */
  readonly expiresAt?: number
}

/** The input of `issueKey`. */
export interface KeyInput {
  /** At least one role. A role that can raise a budget never goes with `payer`. */
  readonly roles: readonly Role[]
  /** A duration, for example `'90d'`; at most ten years. */
  readonly expiresIn: string
  /** The end user that the key speaks for. Required for the role `end_user`, refused for others. */
  readonly endUser?: string | undefined
  /** A name for people, at most 1,000 characters. */
  readonly label?: string | undefined
}

/** A parsed `KeyInput`. `expiresIn` is in milliseconds. */
export interface ParsedKey {
  readonly roles: readonly Role[]
  readonly expiresIn: number
  readonly endUser?: string | undefined
  readonly label?: string | undefined
}

/** Parses `KeyInput`. */
export const keyInput: z.ZodType<ParsedKey, KeyInput> = z
  .strictObject({
    roles: z.array(z.enum(roles)).min(1).max(roles.length),
    expiresIn: durationField,
    endUser: nameField.optional(),
    label: textField.optional(),
  })
  .superRefine((input, context) => {
    const conflict = roleConflict(input.roles)
    if (conflict) context.addIssue({ code: 'custom', path: ['roles'], message: conflict })
    if (input.roles.includes('end_user') === (input.endUser !== undefined)) return
    const message = 'goes with the role end_user, and only with it'
    context.addIssue({ code: 'custom', path: ['endUser'], message })
  })

/** Parses the input of `rotateKey`. */
export const rotationInput: z.ZodType<
  { readonly overlap?: number | undefined },
  { readonly overlap?: string | undefined }
> = z.strictObject({ overlap: durationField.optional() })

/** The shortest time between two records of a key's use, in milliseconds, to save a write per request. */
export const USED_EVERY_MS: number = 3_600_000

/** Returns why a key is not valid now, or undefined if it is valid. */
export function credentialEnd(
  credential: Credential,
  now: number,
): 'revoked' | 'expired' | undefined {
  if (credential.revokedAt !== undefined) return 'revoked'
  return now >= credential.expiresAt ? 'expired' : undefined
}

/** Returns the secrets of a key that are valid now. */
export function liveCredentialSecrets(
  { secrets }: Credential,
  now: number,
): readonly CredentialSecret[] {
  return secrets.filter(({ expiresAt }) => expiresAt === undefined || now < expiresAt)
}

/** Returns the key with a new secret. The secret before stays valid until `overlapEndsAt`. */
export function rotatedCredential(
  credential: Credential,
  secretHash: string,
  overlapEndsAt: number,
): Credential {
  const newest = credential.secrets[0]
  const before = newest ? [{ hash: newest.hash, expiresAt: overlapEndsAt }] : []
  return { ...credential, secrets: [{ hash: secretHash }, ...before] }
}
