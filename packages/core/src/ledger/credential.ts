import { z } from 'zod'
import { durationField, nameField, textField } from '../primitives/fields.ts'
import { type Role, roleConflict, roles } from './role.ts'

/**
 * A key of the service: who may call it, as what, until when. The sessions that name it as their
 * payer are paid from only with it.
 */
export interface Credential {
  readonly id: string
  readonly roles: readonly Role[]
  /** The one end user that an `end_user` key speaks for. */
  readonly endUser?: string
  /** What people call it. */
  readonly label?: string
  /** Newest first; a key that is rotated has two for a while. */
  readonly secrets: readonly CredentialSecret[]
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt?: number
  /** When it was last used, to within `USED_EVERY_MS`. */
  readonly usedAt?: number
}

/** One of the secrets that a key is known by. */
export interface CredentialSecret {
  /** SHA-256 of the whole key, 256 random bits, hex. The key itself is stored nowhere. */
  readonly hash: string
  /** When a rotation ends it, if that is before the key ends. */
  readonly expiresAt?: number
}

/** What `issueKey` takes. */
export interface KeyInput {
  readonly roles: readonly Role[]
  /** For example `'90d'`. No key lives for ever. */
  readonly expiresIn: string
  /** For `end_user` alone: the end user that the key speaks for. */
  readonly endUser?: string | undefined
  readonly label?: string | undefined
}

/** `KeyInput`, parsed. */
export interface ParsedKey {
  readonly roles: readonly Role[]
  readonly expiresIn: number
  readonly endUser?: string | undefined
  readonly label?: string | undefined
}

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

/** What `rotateKey` takes. */
export const rotationInput: z.ZodType<
  { readonly overlap?: number | undefined },
  { readonly overlap?: string | undefined }
> = z.strictObject({ overlap: durationField.optional() })

/** How often the use of a key is recorded: each time would be a write for every request. */
export const USED_EVERY_MS: number = 3_600_000

/** Whether a key is good for nothing now. */
export function credentialEnd(
  credential: Credential,
  now: number,
): 'revoked' | 'expired' | undefined {
  if (credential.revokedAt !== undefined) return 'revoked'
  return now >= credential.expiresAt ? 'expired' : undefined
}

/** The secrets of a key that are good now. */
export function liveSecrets({ secrets }: Credential, now: number): readonly CredentialSecret[] {
  return secrets.filter(({ expiresAt }) => expiresAt === undefined || now < expiresAt)
}

/** A key with a new secret, as its row and its records have it. */
export function rotatedCredential(
  credential: Credential,
  secretHash: string,
  overlapEndsAt: number,
): Credential {
  const newest = credential.secrets[0]
  const before = newest ? [{ hash: newest.hash, expiresAt: overlapEndsAt }] : []
  return { ...credential, secrets: [{ hash: secretHash }, ...before] }
}
