import { describe, expect, test } from 'vitest'
import { type Role, roleConflict, roles } from './role.ts'

/** Every set of roles that one caller may have together with `payer`. */
const withPayer: readonly (readonly Role[])[] = [['payer'], ['payer', 'auditor']]

describe('roles', () => {
  test('that raise and roles that spend are never one caller’s', () => {
    const sets = Array.from({ length: 2 ** roles.length }, (_, bits) =>
      roles.filter((_role, place) => (bits >> place) & 1),
    )
    const allowed = sets.filter((some) => some.includes('payer') && !roleConflict(some))
    expect(allowed).toEqual(withPayer)
    const others = sets.filter((some) => !some.includes('payer'))
    expect(others.filter((some) => roleConflict(some))).toEqual([])
    expect(roleConflict(['payer', 'manager'])).toBe(
      'must not combine manager, which can raise what may be spent, with payer, which spends',
    )
  })
})
