import type { EventOf } from '../ledger/audit-event.ts'
import type { Credential } from '../ledger/credential.ts'
import { rotatedCredential } from '../ledger/credential.ts'
import { difference } from './row-difference.ts'

/** The key as it was issued. */
export function issuedCredential(event: EventOf<'key-issued'>, at: number): Credential {
  const { credential: id, roles, endUser, label, secretHash, expiresAt } = event
  return {
    id,
    roles,
    ...(endUser === undefined ? {} : { endUser }),
    ...(label === undefined ? {} : { label }),
    secrets: [{ hash: secretHash }],
    createdAt: at,
    expiresAt,
  }
}

/** The key as it is after a change of it. */
export function credentialAfter(
  credential: Credential,
  event: EventOf<'key-rotated' | 'key-revoked' | 'key-used'>,
  at: number,
): Credential {
  switch (event.type) {
    case 'key-rotated':
      return rotatedCredential(credential, event.secretHash, event.overlapEndsAt)
    case 'key-revoked':
      return { ...credential, revokedAt: at }
    case 'key-used':
      return { ...credential, usedAt: at }
    default:
      return event satisfies never
  }
}

/** In what a key's row is not what its records say. */
export function credentialProblem(row: Credential, recorded: Credential): string | undefined {
  return difference(row.id, row, recorded, [
    'roles',
    'endUser',
    'label',
    'secrets',
    'createdAt',
    'expiresAt',
    'revokedAt',
    'usedAt',
  ])
}
