import type { EventOf } from '../ledger/audit-event.ts'
import type { Credential } from '../ledger/credential.ts'
import { rotatedCredential } from '../ledger/credential.ts'
import { findRowDifference } from './row-difference.ts'

/** Returns the key that a record issued. */
export function replayRecordedCredential(event: EventOf<'key-issued'>, at: number): Credential {
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

/** Returns a key after a record changed it. */
export function replayRecordedCredentialChange(
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

/** Returns the first field in which a key's row differs from its records. Returns undefined if none does. */
export function findRecordedCredentialDifference(
  row: Credential,
  recorded: Credential,
): string | undefined {
  return findRowDifference(row.id, row, recorded, [
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
