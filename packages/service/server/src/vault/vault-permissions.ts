import type { Permissions } from '@bursar/core'
import type { OpenedSecret } from './opened-secret.ts'
import { requestWithSecret } from './request-with-secret.ts'
import type { SecretSource } from './secret-source.ts'

/** Permissions at a provider whose credentials are in a vault. */
export interface VaultPermissionsOptions {
  /**
   * The secret's name. Where the provider can tell the two apart, it is not the one that signs: who has
   * only that cannot widen what it may sign.
   */
  readonly secret: string
  /** Makes the permissions, for one request, with the opened secret. */
  readonly permissions: (secret: OpenedSecret) => Permissions
}

/**
 * Opens the secret for each request of the guard about a delegation's permission, records that first,
 * and forgets it with the answer.
 */
export function vaultPermissions(
  source: SecretSource,
  options: VaultPermissionsOptions,
): Permissions {
  const { secret, permissions } = options
  const openAndRequest = <Answer>(work: (made: Permissions) => Promise<Answer>): Promise<Answer> =>
    requestWithSecret(source, secret, 'permission', (opened) => work(permissions(opened)))
  return {
    grant: (request) => openAndRequest((made) => made.grant(request)),
    read: (permission) => openAndRequest((made) => made.read(permission)),
    revoke: (permission) => openAndRequest((made) => made.revoke(permission)),
  }
}
