import { type Role, roles } from '@bursar/core'

/**
 * The answer for one role and one operation. `allow` lets the role call it, `no` does not, and `deny`
 * refuses the call even if another role of the same caller is allowed.
 */
export type Access = 'allow' | 'deny' | 'no'

/**
 * The effect of an operation on money: it can raise a limit, it can spend, it only narrows or stops what may be
 * spent, or it does neither. A caller who narrows is let in before others.
 */
export type Effect = 'raises' | 'spends' | 'narrows' | 'neither'

/** The name of an operation of the HTTP API: a key of the table `access`. */
export type OperationName =
  | 'issueKey'
  | 'rotateKey'
  | 'revokeKey'
  | 'keys'
  | 'instruments'
  | 'assets'
  | 'archive'
  | 'createSession'
  | 'changeSession'
  | 'unlockSession'
  | 'revokeSession'
  | 'session'
  | 'sessions'
  | 'exposure'
  | 'cancel'
  | 'grantDelegation'
  | 'approve'
  | 'deny'
  | 'revokeDelegation'
  | 'allowAgain'
  | 'setLimits'
  | 'cancelMine'
  | 'myLimits'
  | 'myDelegations'
  | 'mySessions'
  | 'myPayments'
  | 'myApprovals'
  | 'myApprovalOf'
  | 'myExposure'
  | 'myPermission'
  | 'myFunding'
  | 'pay'
  | 'quote'
  | 'prove'
  | 'conclude'
  | 'openChild'
  | 'closeSession'
  | 'sessionStatus'
  | 'audit'
  | 'verifyAudit'
  | 'exportAudit'
  | 'payments'
  | 'payment'
  | 'caller'

type AccessRow = Readonly<Record<Role, Access>> & { readonly effect: Effect }

const allow = 'allow'
const deny = 'deny'
const no = 'no'

// biome-ignore format: a table is read in columns.
/**
 * The table of permissions: a row for each operation, a column for each role. No other place decides
 * who may call an operation.
 *
 * A role that can raise a limit is denied spending, so a second role of the same caller cannot
 * allow it again.
 *
 * @example
 * ```ts
 * import { access } from 'bursar'
 *
 * console.log(access.pay.payer) // 'allow'
 * console.log(access.pay.manager) // 'deny'
 * ```
 */
export const access: Readonly<Record<OperationName, AccessRow>> = {
  issueKey:         { administrator: allow, manager: no,    payer: deny,  end_user: no,    auditor: no,    effect: 'raises' },
  rotateKey:        { administrator: allow, manager: no,    payer: deny,  end_user: no,    auditor: no,    effect: 'raises' },
  revokeKey:        { administrator: allow, manager: no,    payer: no,    end_user: no,    auditor: no,    effect: 'narrows' },
  keys:             { administrator: allow, manager: no,    payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  instruments:      { administrator: allow, manager: no,    payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  assets:           { administrator: allow, manager: no,    payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  archive:          { administrator: allow, manager: no,    payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  createSession:    { administrator: no,    manager: allow, payer: deny,  end_user: no,    auditor: no,    effect: 'raises' },
  changeSession:    { administrator: no,    manager: allow, payer: deny,  end_user: no,    auditor: no,    effect: 'raises' },
  unlockSession:    { administrator: no,    manager: allow, payer: deny,  end_user: no,    auditor: no,    effect: 'raises' },
  revokeSession:    { administrator: no,    manager: allow, payer: no,    end_user: no,    auditor: no,    effect: 'narrows' },
  session:          { administrator: no,    manager: allow, payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  sessions:         { administrator: no,    manager: allow, payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  exposure:         { administrator: no,    manager: allow, payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  cancel:           { administrator: no,    manager: allow, payer: no,    end_user: no,    auditor: no,    effect: 'narrows' },
  grantDelegation:  { administrator: no,    manager: no,    payer: deny,  end_user: allow, auditor: no,    effect: 'raises' },
  approve:          { administrator: no,    manager: no,    payer: deny,  end_user: allow, auditor: no,    effect: 'raises' },
  deny:             { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'narrows' },
  revokeDelegation: { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'narrows' },
  allowAgain:       { administrator: no,    manager: no,    payer: deny,  end_user: allow, auditor: no,    effect: 'raises' },
  setLimits:        { administrator: no,    manager: no,    payer: deny,  end_user: allow, auditor: no,    effect: 'raises' },
  cancelMine:       { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'narrows' },
  myLimits:         { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'neither' },
  myDelegations:    { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'neither' },
  mySessions:       { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'neither' },
  myPayments:       { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'neither' },
  myApprovals:      { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'neither' },
  myApprovalOf:     { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'neither' },
  myExposure:       { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'neither' },
  myPermission:     { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'neither' },
  myFunding:        { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'neither' },
  pay:              { administrator: deny,  manager: deny,  payer: allow, end_user: deny,  auditor: no,    effect: 'spends' },
  quote:            { administrator: deny,  manager: deny,  payer: allow, end_user: deny,  auditor: no,    effect: 'spends' },
  prove:            { administrator: deny,  manager: deny,  payer: allow, end_user: deny,  auditor: no,    effect: 'spends' },
  conclude:         { administrator: no,    manager: no,    payer: allow, end_user: no,    auditor: no,    effect: 'neither' },
  openChild:        { administrator: deny,  manager: deny,  payer: allow, end_user: deny,  auditor: no,    effect: 'spends' },
  closeSession:     { administrator: no,    manager: no,    payer: allow, end_user: no,    auditor: no,    effect: 'narrows' },
  sessionStatus:    { administrator: no,    manager: no,    payer: allow, end_user: no,    auditor: no,    effect: 'neither' },
  audit:            { administrator: no,    manager: no,    payer: no,    end_user: no,    auditor: allow, effect: 'neither' },
  verifyAudit:      { administrator: no,    manager: no,    payer: no,    end_user: no,    auditor: allow, effect: 'neither' },
  exportAudit:      { administrator: no,    manager: no,    payer: no,    end_user: no,    auditor: allow, effect: 'neither' },
  payments:         { administrator: no,    manager: no,    payer: no,    end_user: no,    auditor: allow, effect: 'neither' },
  payment:          { administrator: no,    manager: no,    payer: no,    end_user: no,    auditor: allow, effect: 'neither' },
  caller:           { administrator: allow, manager: allow, payer: allow, end_user: allow, auditor: allow, effect: 'neither' },
}

/** Returns true if one of the roles is allowed the operation and none is denied it. */
export function mayAccessOperation(
  operation: OperationName,
  callerRoles: readonly Role[],
): boolean {
  const row = access[operation]
  const answers = callerRoles.map((role) => row[role])
  return answers.includes(allow) && !answers.includes(deny)
}

/**
 * Describes why one caller must not have all of these roles, as the end of a sentence. Returns
 * undefined if the roles can be combined. Each role is judged by its own column, so a row whose
 * `deny` is missing is found as well.
 */
export function describeAccessConflict(callerRoles: readonly Role[]): string | undefined {
  const raiser = callerRoles.find((role) => raisingOperations[role])
  const spender = callerRoles.find((role) => spendingOperations[role])
  if (raiser === undefined || spender === undefined) return undefined
  return `can both raise a budget (${raisingOperations[raiser]}) and spend it (${spendingOperations[spender]})`
}

/** Returns the first operation with an effect that each role is allowed. A role without one is left out. */
function findAccessibleOperations(effect: Effect): Readonly<Partial<Record<Role, string>>> {
  const findAllowed = (role: Role): string | undefined =>
    Object.entries(access).find(([, row]) => row.effect === effect && row[role] === allow)?.[0]
  return Object.fromEntries(roles.map((role) => [role, findAllowed(role)]))
}

// Computed once: every request reads them.
const raisingOperations = findAccessibleOperations('raises')
const spendingOperations = findAccessibleOperations('spends')
