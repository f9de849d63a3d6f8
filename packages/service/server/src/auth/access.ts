import { type Role, roles } from '@bursar/core'

/** What one role may do with one operation. A `deny` wins over another role's `allow`. */
export type Access = 'allow' | 'deny' | 'no'

/** Whether an operation can widen what may be spent, spends, or does neither. */
export type Effect = 'raises' | 'spends' | 'neither'

/** Every operation of the service. */
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

/**
 * Who may call what: the one place where it is decided. What is not in it is not there at all.
 *
 * Whoever can raise a budget is denied spending, not just not allowed to: also where another role of
 * the same caller would allow it.
 */
// biome-ignore format: a table is read in columns.
export const access: Readonly<Record<OperationName, AccessRow>> = {
  issueKey:         { administrator: allow, manager: no,    payer: deny,  end_user: no,    auditor: no,    effect: 'raises' },
  rotateKey:        { administrator: allow, manager: no,    payer: deny,  end_user: no,    auditor: no,    effect: 'raises' },
  revokeKey:        { administrator: allow, manager: no,    payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  keys:             { administrator: allow, manager: no,    payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  instruments:      { administrator: allow, manager: no,    payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  assets:           { administrator: allow, manager: no,    payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  archive:          { administrator: allow, manager: no,    payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  createSession:    { administrator: no,    manager: allow, payer: deny,  end_user: no,    auditor: no,    effect: 'raises' },
  changeSession:    { administrator: no,    manager: allow, payer: deny,  end_user: no,    auditor: no,    effect: 'raises' },
  unlockSession:    { administrator: no,    manager: allow, payer: deny,  end_user: no,    auditor: no,    effect: 'raises' },
  revokeSession:    { administrator: no,    manager: allow, payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  session:          { administrator: no,    manager: allow, payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  sessions:         { administrator: no,    manager: allow, payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  exposure:         { administrator: no,    manager: allow, payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  cancel:           { administrator: no,    manager: allow, payer: no,    end_user: no,    auditor: no,    effect: 'neither' },
  grantDelegation:  { administrator: no,    manager: no,    payer: deny,  end_user: allow, auditor: no,    effect: 'raises' },
  approve:          { administrator: no,    manager: no,    payer: deny,  end_user: allow, auditor: no,    effect: 'raises' },
  deny:             { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'neither' },
  revokeDelegation: { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'neither' },
  setLimits:        { administrator: no,    manager: no,    payer: deny,  end_user: allow, auditor: no,    effect: 'raises' },
  cancelMine:       { administrator: no,    manager: no,    payer: no,    end_user: allow, auditor: no,    effect: 'neither' },
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
  closeSession:     { administrator: no,    manager: no,    payer: allow, end_user: no,    auditor: no,    effect: 'neither' },
  sessionStatus:    { administrator: no,    manager: no,    payer: allow, end_user: no,    auditor: no,    effect: 'neither' },
  audit:            { administrator: no,    manager: no,    payer: no,    end_user: no,    auditor: allow, effect: 'neither' },
  verifyAudit:      { administrator: no,    manager: no,    payer: no,    end_user: no,    auditor: allow, effect: 'neither' },
  exportAudit:      { administrator: no,    manager: no,    payer: no,    end_user: no,    auditor: allow, effect: 'neither' },
  payments:         { administrator: no,    manager: no,    payer: no,    end_user: no,    auditor: allow, effect: 'neither' },
  payment:          { administrator: no,    manager: no,    payer: no,    end_user: no,    auditor: allow, effect: 'neither' },
  caller:           { administrator: allow, manager: allow, payer: allow, end_user: allow, auditor: allow, effect: 'neither' },
}

/** Whether a caller with some roles may call an operation. Unknown roles are none. */
export function mayCall(operation: OperationName, some: readonly Role[]): boolean {
  const row = access[operation]
  const given = some.map((role) => row[role])
  return given.includes(allow) && !given.includes(deny)
}

/**
 * Why nobody may have some roles together, as the end of a sentence; `undefined` if they may be
 * one's. It looks at what the roles are allowed one by one, so that a table that was changed wrongly
 * is found as well.
 */
export function describeRoleConflict(some: readonly Role[]): string | undefined {
  const [raised, spent] = [
    some.find((role) => raisingOperations[role]),
    some.find((role) => spendingOperations[role]),
  ]
  if (raised === undefined || spent === undefined) return undefined
  return `can both raise a budget (${raisingOperations[raised]}) and spend it (${spendingOperations[spent]})`
}

/** What each role is allowed of an effect, if anything: every request asks. */
function findAllowedOperations(effect: Effect): Readonly<Partial<Record<Role, string>>> {
  const findAllowed = (role: Role): string | undefined =>
    Object.entries(access).find(([, row]) => row.effect === effect && row[role] === allow)?.[0]
  return Object.fromEntries(roles.map((role) => [role, findAllowed(role)]))
}

const raisingOperations = findAllowedOperations('raises')
const spendingOperations = findAllowedOperations('spends')
