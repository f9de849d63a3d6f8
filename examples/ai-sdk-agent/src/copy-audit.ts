import type { AuditEntry, Auditing } from '@bursar/core'

// #region recipe
/**
 * Copies what is new in the audit trail, in its order. Answers the cursor to keep: give it as
 * `after` to the next call, in this process or in another one.
 */
export async function copyAudit(
  auditing: Auditing,
  after: string | undefined,
  keep: (entry: AuditEntry) => Promise<void>,
): Promise<string | undefined> {
  let cursor = after
  for (;;) {
    const page = await auditing.read({ after: cursor })
    if (page.cursor === undefined) return cursor
    for (const entry of page.rows) await keep(entry)
    cursor = page.cursor
  }
}
// #endregion
