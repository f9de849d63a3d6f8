import { setTimeout as wait } from 'node:timers/promises'
import type { Guard } from '../guard/guard.ts'
import { readKeyToken } from '../ledger/bearer-token.ts'
import {
  type Credential,
  credentialEnd,
  liveCredentialSecrets,
  USED_EVERY_MS,
} from '../ledger/credential.ts'
import { hasKeyCheck } from '../ledger/key-check.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { Role } from '../ledger/role.ts'
import { equalHashes } from '../primitives/hash.ts'

/** A caller whose key is live. */
export interface VerifiedKey {
  /** The key's id. */
  readonly id: string
  /** The key's roles. */
  readonly roles: readonly Role[]
  /** The end user that the key acts for; absent for a key without the role `end_user`. */
  readonly endUser?: string
}

/** The options of `Bursar.authenticate`. */
export interface AuthenticateOptions {
  /** Whether the caller wants to stop something: then the key is looked up before those of others. */
  readonly urgent?: boolean | undefined
}

/** The least time after which a text that is no live key is refused, so that the time tells nothing. */
const REFUSED_AFTER_MS = 5

/**
 * Returns the caller that presents a key. Returns undefined if the text is no key, or if the key is
 * revoked, expired or rotated away. Reads the ledger at every call, so that a revocation holds at once
 * in every process, but not for an id that the installation has not made. However many wrong secrets name an
 * id, the right one passes: they share reads, which are bounded at a time.
 */
export async function authenticate(
  guard: Guard,
  text: string,
  { urgent = false }: AuthenticateOptions,
): Promise<VerifiedKey | undefined> {
  const begunAt = performance.now()
  const credential = await findLiveCredential(guard, text, urgent)
  if (!credential) {
    await wait(Math.max(0, begunAt + REFUSED_AFTER_MS - performance.now()))
    return undefined
  }
  const { store, background } = guard
  const now = store.now()
  if (now - (credential.usedAt ?? 0) >= USED_EVERY_MS) {
    const scope = { credential: credential.id }
    const recording = store.commit(scope, (state, at) => recordAuthenticationUse(state, at), 'soon')
    background.run('record the use of a key', recording)
  }
  const { id, roles, endUser } = credential
  return { id, roles, ...(endUser === undefined ? {} : { endUser }) }
}

async function findLiveCredential(
  { store, keys }: Guard,
  text: string,
  isUrgent: boolean,
): Promise<Credential | undefined> {
  const presented = readKeyToken(text)
  const secret = presented && (await keys.findCheck(store, isUrgent))
  if (!presented || secret === undefined || !hasKeyCheck(presented.id, secret)) return undefined
  const { id, hash } = presented
  const read = async (): Promise<Credential | undefined> =>
    (await store.read({ credential: id })).credential
  const found = keys.isKnown(hash) ? await read() : await keys.reads.run(id, isUrgent, read)
  if (!found || !matchesLiveSecret(found, hash, store.now())) return undefined
  keys.know(hash)
  return found
}

/** Checks whether a secret's hash opens a live key. */
function matchesLiveSecret(credential: Credential, hash: string, now: number): boolean {
  return (
    credentialEnd(credential, now) === undefined &&
    liveCredentialSecrets(credential, now).some((secret) => equalHashes(secret.hash, hash))
  )
}

/** Records the use of a key, unless another process has recorded a use within the same interval. */
function recordAuthenticationUse({ credential }: LedgerState, now: number): Change<undefined> {
  if (!credential || now - (credential.usedAt ?? 0) < USED_EVERY_MS) {
    return { result: undefined, events: [] }
  }
  return {
    result: undefined,
    credentials: [{ ...credential, usedAt: now }],
    events: [{ type: 'key-used', credential: credential.id }],
  }
}
