import { createHmac } from 'node:crypto'
import { equalTexts } from '../primitives/equal-texts.ts'
import { hashOf } from '../primitives/hash.ts'
import type { Change } from './ledger-state.ts'
import type { Operation } from './operation.ts'

/** The id of the operation whose salt is the secret of the installation's key checks. */
export const keyCheckId: string = hashOf('key-check', [])

/** The length of the check at the end of a key's id, in hex digits. */
const CHECK_LENGTH = 8

/**
 * Returns the id of a key with a check that only the installation can make. An id that somebody made up is
 * recognised by it, and costs no read of the ledger. The check protects nothing else: the key's secret does.
 */
export function checkedKeyId(id: string, secret: string): string {
  const start = id.slice(0, -CHECK_LENGTH)
  return `${start}${checkOf(start, secret)}`
}

/** Checks whether an id of a key was made by the installation. */
export function hasKeyCheck(id: string, secret: string): boolean {
  const start = id.slice(0, -CHECK_LENGTH)
  return equalTexts(id.slice(-CHECK_LENGTH), checkOf(start, secret))
}

/** Makes the secret of the installation's key checks, unless another call made it. */
export function makeKeyCheck(
  known: Operation | undefined,
  secret: string,
  now: number,
): Change<string> {
  if (known) return { result: known.salt, events: [] }
  const operation = { id: keyCheckId, inputHash: '', subject: '', salt: secret, at: now }
  return { result: secret, operations: [operation], events: [{ type: 'key-check-created' }] }
}

function checkOf(start: string, secret: string): string {
  return createHmac('sha256', secret).update(start).digest('hex').slice(0, CHECK_LENGTH)
}
