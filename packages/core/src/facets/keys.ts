import type { Guard } from '../guard/guard.ts'
import { keyTokenText } from '../ledger/bearer-token.ts'
import {
  type Credential,
  credentialEnd,
  type KeyInput,
  keyInput,
  liveCredentialSecrets,
  type ParsedKey,
  rotatedCredential,
  rotationInput,
} from '../ledger/credential.ts'
import { checkedKeyId } from '../ledger/key-check.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { OnceOptions } from '../ledger/operation.ts'
import type { Role } from '../ledger/role.ts'
import type { Page, PageRequest } from '../ports/store.ts'
import { BursarError } from '../primitives/errors.ts'
import { nameField, pageInput, parseInputFields, reasonInput } from '../primitives/fields.ts'
import { sha256Hash } from '../primitives/hash.ts'
import { newId } from '../primitives/id.ts'
import { prepareIdempotentOperation } from './idempotency.ts'

/** A key that was just issued or rotated. */
export interface IssuedKey {
  /** The key's id. */
  readonly id: string
  /** The secret text of the key. It is returned once and never stored. */
  readonly key: string
  /** The time at which the key expires. ISO 8601, UTC. */
  readonly expiresAt: string
}

/** A key as administrators read it, without secrets. */
export interface KeySummary {
  /** The key's id. */
  readonly id: string
  /** The key's roles. */
  readonly roles: readonly Role[]
  /** The end user that the key acts for; absent for a key without the role `end_user`. */
  readonly endUser?: string
  /** The label that the key was issued with, if any. */
  readonly label?: string
  /** Whether the key is valid now, and if not, why. */
  readonly state: 'live' | 'revoked' | 'expired'
  /** The time at which the key was issued. ISO 8601, UTC. */
  readonly createdAt: string
  /** The time at which the key expires. ISO 8601, UTC. */
  readonly expiresAt: string
  /** The time of the key's last use, to within an hour. ISO 8601, UTC; absent if never used. */
  readonly usedAt?: string
  /**
   * The time at which the previous secret ends after a rotation. ISO 8601, UTC; absent if it has
   * ended.
   */
  readonly overlapEndsAt?: string
}

/** The part of administration that issues, rotates and revokes keys of the service. */
export interface Keys {
  /**
   * Issues a key of the service. Its text is returned once and never stored. An administrator who issues a key
   * could use it: the record says who issued it. Throws `invalid_input`, also for roles that combine raising
   * a budget with spending it.
   */
  issueKey(input: KeyInput, options?: OnceOptions): Promise<IssuedKey>
  /**
   * Gives a key a new secret. The secret before it stays good for `overlap`, such as `'1h'`; without
   * `overlap`, it ends at once. Throws `key_unknown`, `key_revoked` or `key_expired`.
   */
  rotateKey(
    key: string,
    change?: { readonly overlap?: string | undefined },
    options?: OnceOptions,
  ): Promise<IssuedKey>
  /** Revokes a key at once, in every process: the next reservation with it is refused. Throws `key_unknown`. */
  revokeKey(key: string, options?: { readonly reason?: string }): Promise<KeySummary>
  /** Lists keys, oldest first. */
  keys(page?: PageRequest): Promise<Page<KeySummary>>
}

/** Creates the part of the administrator's facet that handles keys. */
export function createKeys(guard: Guard, ready: () => Promise<void>): Keys {
  const { store } = guard
  const read = async (id: string): Promise<Credential> => {
    const { credential } = await store.read({ credential: id })
    if (!credential) throw unknownKey(id)
    return credential
  }
  return {
    issueKey: async (given: KeyInput, options: OnceOptions = {}) => {
      const input = parseInputFields(keyInput, given, 'issueKey')
      await ready()
      const fresh = checkedKeyId(newId('key'), await guard.keys.makeCheck(store))
      const making = prepareIdempotentOperation(['issueKey'], input, fresh, options)
      const made = await making.run(store, {}, (_state, now, { id, secret }) =>
        recordIssuedKey(id, sha256Hash(keyTokenText(id, secret)), input, now),
      )
      return describeIssuedKey(made, await read(made.id))
    },
    rotateKey: async (given, change = {}, options = {}) => {
      const id = parseInputFields(nameField, given, 'rotateKey: key')
      const { overlap = 0 } = parseInputFields(rotationInput, change, 'rotateKey')
      await ready()
      const rotating = prepareIdempotentOperation(['rotateKey', id], { overlap }, id, options)
      const made = await rotating.run(store, { credential: id }, (state, now, { secret }) =>
        recordRotatedKey(
          requireLiveKey(state, id, now),
          sha256Hash(keyTokenText(id, secret)),
          overlap,
          now,
        ),
      )
      return describeIssuedKey(made, await read(id))
    },
    revokeKey: async (given, options = {}) => {
      const id = parseInputFields(nameField, given, 'revokeKey: key')
      const { reason } = parseInputFields(reasonInput, options, 'revokeKey')
      await ready()
      return store.commit(
        { credential: id },
        (state, now) => recordRevokedKey(state, id, reason, now),
        'now',
      )
    },
    keys: async (given = {}) => {
      const page = parseInputFields(pageInput, given, 'keys')
      await ready()
      const found = await store.credentials(page)
      return { ...found, rows: found.rows.map((one) => summaryOfKey(one, store.now())) }
    },
  }
}

function describeIssuedKey(
  { id, secret }: { readonly id: string; readonly secret: string },
  { expiresAt }: Credential,
): IssuedKey {
  return { id, key: keyTokenText(id, secret), expiresAt: new Date(expiresAt).toISOString() }
}

function recordIssuedKey(
  id: string,
  secretHash: string,
  { roles, endUser, label, expiresIn }: ParsedKey,
  now: number,
): Change<undefined> {
  const expiresAt = now + expiresIn
  const names = {
    roles,
    ...(endUser === undefined ? {} : { endUser }),
    ...(label === undefined ? {} : { label }),
  }
  const secrets = [{ hash: secretHash }]
  return {
    result: undefined,
    credentials: [{ id, ...names, secrets, createdAt: now, expiresAt }],
    events: [{ type: 'key-issued', credential: id, ...names, secretHash, expiresAt }],
  }
}

/** Records a rotation. The newest secret stays good for the overlap, and older ones end at once. */
function recordRotatedKey(
  credential: Credential,
  secretHash: string,
  overlap: number,
  now: number,
): Change<undefined> {
  const next = rotatedCredential(credential, secretHash, now + overlap)
  const { id: key } = credential
  const overlapEndsAt = now + overlap
  return {
    result: undefined,
    credentials: [next],
    events: [{ type: 'key-rotated', credential: key, secretHash, overlapEndsAt }],
  }
}

function requireLiveKey({ credential }: LedgerState, id: string, now: number): Credential {
  if (!credential) throw unknownKey(id)
  const end = credentialEnd(credential, now)
  if (end) throw new BursarError(`key_${end}`, `rotateKey: key: ${id} is ${end}.`)
  return credential
}

function recordRevokedKey(
  { credential }: LedgerState,
  id: string,
  reason: string | undefined,
  now: number,
): Change<KeySummary> {
  if (!credential) throw unknownKey(id)
  if (credential.revokedAt !== undefined) {
    return { result: summaryOfKey(credential, now), events: [] }
  }
  const next: Credential = { ...credential, revokedAt: now }
  const why = reason === undefined ? {} : { reason }
  return {
    result: summaryOfKey(next, now),
    credentials: [next],
    events: [{ type: 'key-revoked', credential: id, ...why }],
  }
}

function summaryOfKey(credential: Credential, now: number): KeySummary {
  const { id, roles, endUser, label, createdAt, expiresAt, usedAt } = credential
  const older = liveCredentialSecrets(credential, now).find((one) => one.expiresAt !== undefined)
  return {
    id,
    roles,
    ...(endUser === undefined ? {} : { endUser }),
    ...(label === undefined ? {} : { label }),
    state: credentialEnd(credential, now) ?? 'live',
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
    ...(usedAt === undefined ? {} : { usedAt: new Date(usedAt).toISOString() }),
    ...(older?.expiresAt === undefined
      ? {}
      : { overlapEndsAt: new Date(older.expiresAt).toISOString() }),
  }
}

function unknownKey(id: string): BursarError {
  return new BursarError('key_unknown', `There is no key called ${id}.`)
}
