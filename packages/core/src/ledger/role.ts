/** What a caller of the service may be. Which operations each may call, the server's table says. */
export const roles = ['administrator', 'manager', 'payer', 'end_user', 'auditor'] as const

export type Role = (typeof roles)[number]

/** Roles that can widen what may be spent: by granting, by creating sessions, by issuing keys. */
const raising: readonly Role[] = ['administrator', 'manager', 'end_user']

/**
 * Why some roles must never be one caller's, as the end of a sentence; `undefined` if they may.
 * Nobody who can raise a budget may also spend it.
 */
export function roleConflict(some: readonly Role[]): string | undefined {
  const raises = some.find((role) => raising.includes(role))
  return raises !== undefined && some.includes('payer')
    ? `must not combine ${raises}, which can raise what may be spent, with payer, which spends`
    : undefined
}
