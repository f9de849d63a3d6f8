import { keyCheckId, makeKeyCheck } from '../ledger/key-check.ts'
import type { Store } from '../ports/store.ts'
import { newSecret } from '../primitives/secret.ts'
import { type BoundedReads, createBoundedReads } from './bounded-reads.ts'

/** The number of keys that are remembered as known. Beyond it the oldest are forgotten. */
const MAX_KNOWN_KEYS = 10_000

/** The keys of the service that were presented to this process, as far as it has to remember them. */
export interface PresentedKeys {
  /** The reads for secrets that this process does not know. */
  readonly reads: BoundedReads
  /** Returns the secret of the installation's key checks. Returns undefined if no key was ever issued. */
  findCheck(store: Store, isUrgent: boolean): Promise<string | undefined>
  /** Returns the secret of the installation's key checks, and makes it if no key was ever issued. */
  makeCheck(store: Store): Promise<string>
  /** Checks whether a key with this hash was good before. Its read is never bounded. */
  isKnown(hash: string): boolean
  know(hash: string): void
}

export function createPresentedKeys(): PresentedKeys {
  const known = new Set<string>()
  const reads = createBoundedReads()
  let check: string | undefined
  const findCheck = async (store: Store, isUrgent: boolean): Promise<string | undefined> => {
    check ??= await reads.run(keyCheckId, isUrgent, async () => {
      const { operation } = await store.read({ operation: keyCheckId })
      return operation?.salt
    })
    return check
  }
  return {
    reads,
    findCheck,
    makeCheck: async (store) => {
      const secret = newSecret()
      check ??= await store.commit(
        { operation: keyCheckId },
        (state, now) => makeKeyCheck(state.operation, secret, now),
        'now',
      )
      return check
    },
    isKnown: (hash) => known.has(hash),
    know: (hash) => {
      known.delete(hash)
      known.add(hash)
      const oldest = known.values().next().value
      if (known.size > MAX_KNOWN_KEYS && oldest !== undefined) known.delete(oldest)
    },
  }
}
