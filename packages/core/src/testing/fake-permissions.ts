import type { PermissionRequest, Permissions } from '../ports/permissions.ts'

/** An answer of fake permissions: `throw` does nothing first, `throw-after` carries the request out first. */
export type FakePermissionsAnswer = 'answer' | 'throw' | 'throw-after'

/** Permissions without a provider, which a test controls and inspects. */
export interface FakePermissions extends Permissions {
  /** The requests that are granted now, by delegation. */
  readonly granted: ReadonlyMap<string, PermissionRequest>
  /** Sets the answers to the next requests to grant or to revoke, one each. */
  answerNext(...answers: readonly FakePermissionsAnswer[]): void
  /** Grants an earlier request, as if it arrived late. */
  grantLate(delegation: string): void
}

/**
 * Creates permissions that are kept in memory, by their delegation.
 *
 * @example
 * ```ts
 * const permissions = fakePermissions()
 * permissions.answerNext('throw')
 * ```
 */
export function fakePermissions(): FakePermissions {
  const asked = new Map<string, PermissionRequest>()
  const granted = new Map<string, PermissionRequest>()
  const answers: FakePermissionsAnswer[] = []
  const answer = (work: () => void): void => {
    const next = answers.shift() ?? 'answer'
    if (next !== 'throw') work()
    if (next !== 'answer') throw new Error('The fake permissions were told to throw.')
  }
  return {
    granted,
    async grant(request) {
      const { delegation } = request
      asked.set(delegation, request)
      answer(() => granted.set(delegation, request))
      return { id: `permission of ${delegation}`.replaceAll(' ', '-') }
    },
    read: async ({ delegation }) => (granted.has(delegation) ? 'granted' : 'absent'),
    async revoke({ delegation }) {
      answer(() => granted.delete(delegation))
    },
    answerNext: (...next) => void answers.push(...next),
    grantLate(delegation) {
      const request = asked.get(delegation)
      if (request) granted.set(delegation, request)
    },
  }
}
