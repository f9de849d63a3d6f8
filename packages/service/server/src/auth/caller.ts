import type { AuthenticateOptions, Bursar, Role } from '@bursar/core'
import { describeAccessConflict } from './access.ts'

/** The sender of a request: a key of the ledger, or a subject of an identity provider. */
export interface Caller {
  /** The id of the key, such as `key_…`, or of the subject, such as `corp:agent-7`. */
  readonly id: string
  readonly roles: readonly Role[]
  /** The end user that the caller speaks for; undefined without the role `end_user`. */
  readonly endUser?: string
}

/** Verifies the tokens of an identity provider. */
export interface IdentityProvider {
  /**
   * Returns the caller that a token names, or undefined if the token is not valid. Throws
   * `identity_unavailable` if the provider's keys cannot be read.
   */
  verify(token: string): Promise<Caller | undefined>
}

/** Returns the caller that an `Authorization` header names, or the code of the refusal. */
export type Authenticator = (
  authorization: string | undefined,
  options: AuthenticateOptions,
) => Promise<Caller | 'unauthenticated' | 'roles_conflict'>

/**
 * The form of an `Authorization` header with a bearer credential: at most 8,192 characters of
 * visible ASCII.
 */
const bearerPattern = /^Bearer ([\x21-\x7e]{1,8192})$/i

/**
 * Creates an authenticator. A credential that begins with `bursar_` is looked up in the ledger; any
 * other is verified by the identity provider, if one is configured.
 */
export function createCallerAuthenticator(
  bursar: Pick<Bursar, 'authenticate'>,
  provider: IdentityProvider | undefined,
): Authenticator {
  return async (authorization, options) => {
    const text = bearerPattern.exec(authorization ?? '')?.[1]
    if (text === undefined) return 'unauthenticated'
    const caller = text.startsWith('bursar_')
      ? await bursar.authenticate(text, options)
      : await provider?.verify(text)
    if (!caller) return 'unauthenticated'
    // The ledger issues no key with conflicting roles, but a token's claims can name any roles.
    return describeAccessConflict(caller.roles) === undefined ? caller : 'roles_conflict'
  }
}
