import type { Delegation, ParsedDelegation } from '../ledger/delegation.ts'
import { givenName, type NameOwner, nameId } from '../ledger/given-name.ts'
import type { Operation } from '../ledger/operation.ts'
import { recordedLimits } from '../ledger/recorded-limits.ts'
import { canonicalJson } from '../primitives/canonical-json.ts'
import { BursarError } from '../primitives/errors.ts'

/** Returns the id of the operation that stands for a delegation's name. */
export function delegationNameId(owner: NameOwner, name: string): string {
  return nameId('delegation', owner, name)
}

/** Returns the operation that gives a new delegation its name. It has one. */
export function nameDelegation({ id, name = '', ...owner }: Delegation, now: number): Operation {
  return givenName(delegationNameId(owner, name), id, '', now)
}

/**
 * Returns the operation that makes the name of a delegation free again, whose permission was never granted:
 * nothing could be spent under it, and the end user has not taken back their consent. Returns none if it has
 * no name.
 */
export function freeName({ name, ...owner }: Delegation, now: number): readonly Operation[] {
  return name === undefined ? [] : [givenName(delegationNameId(owner, name), '', '', now)]
}

/** Throws `name_taken` with both values if a grant by name differs from the delegation that has the name. */
export function assertSameNamedGrant(delegation: Delegation, input: ParsedDelegation): void {
  const { id, name } = delegation
  const { limits, merchants, ask, consent, instrument } = delegation
  const granted = { limits: recordedLimits(limits), merchants, ask, consent, instrument }
  const given = { ...input, limits: recordedLimits(input.limits) }
  const seconds = [delegation.expiresAt - delegation.createdAt, input.expiresIn].map(formatSeconds)
  const pairs = [
    ...(['instrument', 'limits', 'merchants', 'ask', 'consent'] as const).map(
      (field) => [field, canonicalJson(granted[field]), canonicalJson(given[field])] as const,
    ),
    ['expiresIn', seconds[0], seconds[1]] as const,
  ]
  const other = pairs.find(([, has, asked]) => has !== asked)
  if (!other) return
  const [field, has, asked] = other
  const text = `grantDelegation: name: ${name} is taken by ${id}, whose ${field} is ${has}, not ${asked}. A change needs the end user's consent under another name.`
  throw new BursarError('name_taken', text)
}

function formatSeconds(ms: number): string {
  return `${ms / 1_000}s`
}
