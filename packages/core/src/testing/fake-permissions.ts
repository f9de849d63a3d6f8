import type { PermissionRequest, Permissions } from '../ports/permissions.ts'

/** How fake permissions answer one request: `throw` does nothing, `throw-after` does what was asked. */
export type FakePermissionsAnswer = 'answer' | 'throw' | 'throw-after'

/** The permissions of a provider that is none, and what tests ask and tell it. */
export interface FakePermissions extends Permissions {
  /** What is granted now, by delegation. */
  readonly granted: ReadonlyMap<string, PermissionRequest>
  /** Says how the next requests to grant or to revoke are answered, one answer each. */
  answerNext(...answers: readonly FakePermissionsAnswer[]): void
  /** Grants what was asked for before, as a request does that was long on its way. */
  grantLate(delegation: string): void
}

/** Makes permissions for tests: they are kept in memory, and found by their delegation. */
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
