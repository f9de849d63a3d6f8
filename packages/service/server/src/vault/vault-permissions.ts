import type { Permissions } from '@bursar/core'
import type { OpenedSecret } from './opened-secret.ts'
import { requestWithSecret } from './request-with-secret.ts'
import type { SecretSource } from './secret-source.ts'

/** The options of `vault.permissions`. */
export interface VaultPermissionsOptions {
  /**
   * The name of the secret with the credentials that grant permissions. If the provider has separate
   * credentials for signing, name another secret here: a stolen signing credential then cannot
   * widen its own permission.
   */
  readonly secret: string
  /**
   * Creates the provider's permissions from the opened secret. The permissions are used for one
   * request.
   */
  readonly permissions: (secret: OpenedSecret) => Permissions
}

/**
 * Creates permissions that open the secret for each request, record each opening before it, and
 * overwrite the secret afterwards.
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
