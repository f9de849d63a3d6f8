import type { PermissionRequest, Permissions } from '../ports/permissions.ts'
import { duringSecretUse } from '../signing/secret-use.ts'
import type { TestRunner } from './test-runner.ts'

/** Permissions to test, with a request that can be granted. */
export interface PermissionsWorld {
  readonly permissions: Permissions
  readonly request: PermissionRequest
}

/**
 * Defines the conformance suite of permissions: the promises that grants and withdrawals rely on.
 *
 * @example
 * ```ts
 * import { describe, expect, test } from 'vitest'
 *
 * testPermissions('privyPermissions', makePermissionsWorld, { describe, test, expect })
 * ```
 */
export function testPermissions(
  name: string,
  makeWorld: () => Promise<PermissionsWorld>,
  { describe, test, expect }: TestRunner,
): void {
  let made = 0
  const world = async () => {
    const { permissions: given, request } = await makeWorld()
    made += 1
    const delegation = `del_${made.toString(16).padStart(32, '0')}`
    const permissions = asPermissionGuard(given, delegation)
    return { permissions, delegation, request: { ...request, delegation } }
  }
  describe(`${name} keeps the promises of permissions`, () => {
    test('grants, and says so', async () => {
      const { permissions, delegation, request } = await world()
      expect(await permissions.read({ delegation })).toBe('absent')
      const { id } = await permissions.grant(request)
      expect(id).toMatch(/^[\x21-\x7e]{1,200}$/)
      expect(await permissions.read({ delegation, id })).toBe('granted')
    })

    test('grants one permission, however often it is asked for', async () => {
      const { permissions, delegation, request } = await world()
      const { id } = await permissions.grant(request)
      expect(await permissions.grant(request)).toEqual({ id })
      await permissions.revoke({ delegation, id })
      expect(await permissions.read({ delegation, id })).toBe('absent')
    })

    test('withdraws everything that was asked for at the same time', async () => {
      const { permissions, delegation, request } = await world()
      await Promise.allSettled([permissions.grant(request), permissions.grant(request)])
      await permissions.revoke({ delegation })
      expect(await permissions.read({ delegation })).toBe('absent')
    })

    test('finds and withdraws one whose id was lost', async () => {
      const { permissions, delegation, request } = await world()
      await permissions.grant(request)
      expect(await permissions.read({ delegation })).toBe('granted')
      await permissions.revoke({ delegation })
      expect(await permissions.read({ delegation })).toBe('absent')
    })

    test('withdraws again, and what never was', async () => {
      const { permissions, delegation, request } = await world()
      await permissions.revoke({ delegation })
      const { id } = await permissions.grant(request)
      await permissions.revoke({ delegation, id })
      await permissions.revoke({ delegation, id })
      expect(await permissions.read({ delegation, id })).toBe('absent')
    })

    test('leaves the permission of another delegation alone', async () => {
      const { permissions, delegation, request } = await world()
      const other = `${delegation.slice(0, -1)}x`
      const { id } = await permissions.grant(request)
      const { id: otherId } = await permissions.grant({ ...request, delegation: other })
      await permissions.revoke({ delegation, id })
      expect(await permissions.read({ delegation: other, id: otherId })).toBe('granted')
    })
  })
}

/** Asks as the guard does, so that permissions can open the secrets that they need. */
function asPermissionGuard(permissions: Permissions, delegation: string): Permissions {
  const ask = <Answer>(work: () => Promise<Answer>): Promise<Answer> =>
    duringSecretUse({ purpose: 'permission', delegation }, async () => {}, work)
  return {
    grant: (request) => ask(() => permissions.grant(request)),
    read: (permission) => ask(() => permissions.read(permission)),
    revoke: (permission) => ask(() => permissions.revoke(permission)),
  }
}
