import type { Guard } from '../guard/guard.ts'
import { readKeyToken } from '../ledger/bearer-token.ts'
import {
  type Credential,
  credentialEnd,
  liveCredentialSecrets,
  USED_EVERY_MS,
} from '../ledger/credential.ts'
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

/**
 * Returns the caller that presents a key. Returns undefined if the text is no key, or if the key is
 * revoked, expired or rotated away. Reads the ledger at every call, so that a revocation holds at once
 * in every process. Throws `request_rate_exceeded` if too many unknown texts are presented: keys that
 * this process has verified before are exempt from that rate.
 */
export async function authenticate(guard: Guard, text: string): Promise<VerifiedKey | undefined> {
  const { store, keyStrangers, background } = guard
  const presented = readKeyToken(text)
  if (!presented) return undefined
  const credential = await keyStrangers.look(presented.hash, store.now(), async () => {
    const state = await store.read({ credential: presented.id })
    const found = state.credential
    return found && matchesLiveSecret(found, presented.hash, store.now()) ? found : undefined
  })
  if (!credential) return undefined
  const now = store.now()
  if (now - (credential.usedAt ?? 0) >= USED_EVERY_MS) {
    const scope = { credential: credential.id }
    const recording = store.commit(scope, (state, at) => recordAuthenticationUse(state, at), 'soon')
    background.run('record the use of a key', recording)
  }
  const { id, roles, endUser } = credential
  return { id, roles, ...(endUser === undefined ? {} : { endUser }) }
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
