import type { AuditHead, Auditing } from '@bursar/core'

// #region recipe
/** Checks the trail against a head that was kept elsewhere. Answers the head to keep from now on. */
export async function verifyAudit(
  auditing: Auditing,
  kept: AuditHead | undefined,
): Promise<AuditHead | undefined> {
  const verified = await auditing.verify({ head: kept })
  if (verified.ok) return verified.head
  const { seq, reason } = verified
  const where = seq === undefined ? 'The audit trail' : `Record ${seq} of the audit trail`
  throw new Error(`${where} is not what it was: ${reason}.`)
}
// #endregion
