/** The roles of callers of the service. `docs/reference` lists the operations of each role. */
export const roles = ['administrator', 'manager', 'payer', 'end_user', 'auditor'] as const

/** A role of a caller of the service. */
export type Role = (typeof roles)[number]

/** The roles that can raise a budget: by grants, by new sessions or by new keys. */
const raising: readonly Role[] = ['administrator', 'manager', 'end_user']

/**
 * Returns why one caller must not have all of these roles, as the end of a sentence, or undefined if the
 * caller may have them. A role that can raise a budget never goes with `payer`.
 *
 * @example
 * ```ts
 * roleConflict(['manager', 'auditor']) // undefined
 * roleConflict(['manager', 'payer']) // 'must not combine manager, …'
 * ```
 */
export function roleConflict(combined: readonly Role[]): string | undefined {
  const raises = combined.find((role) => raising.includes(role))
  return raises !== undefined && combined.includes('payer')
    ? `must not combine ${raises}, which can raise what may be spent, with payer, which spends`
    : undefined
}
