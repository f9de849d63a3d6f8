import type { Bursar, Role } from '@bursar/core'
import { describeRoleConflict } from './access.ts'

/** Who calls: a key of the ledger, or a subject of an identity provider. */
export interface Caller {
  /** Of the key, such as `key_…`, or of the subject, such as `corp:agent-7`. */
  readonly id: string
  readonly roles: readonly Role[]
  /** The end user that it speaks for, if it has that role. */
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

/** Answers who calls, or why nobody does. */
export type Authenticator = (
  authorization: string | undefined,
) => Promise<Caller | 'unauthenticated' | 'roles_conflict'>

/** A credential of either kind: no whitespace, and no longer than a token may be. */
const bearerPattern = /^Bearer ([\x21-\x7e]{1,8192})$/i

/** Tries the keys of the ledger first, by their form, and then the identity provider, if there is one. */
export function createAuthenticator(
  bursar: Pick<Bursar, 'authenticate'>,
  provider: IdentityProvider | undefined,
): Authenticator {
  return async (authorization) => {
    const text = bearerPattern.exec(authorization ?? '')?.[1]
    if (text === undefined) return 'unauthenticated'
    const caller = text.startsWith('bursar_')
      ? await bursar.authenticate(text)
      : await provider?.verify(text)
    if (!caller) return 'unauthenticated'
    // A key like that cannot be issued, and the start refuses; a token's claims can say anything.
    return describeRoleConflict(caller.roles) === undefined ? caller : 'roles_conflict'
  }
}
