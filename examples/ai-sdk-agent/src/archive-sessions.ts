import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Administration, Auditing } from '@bursar/core'

// #region archive
/** Archives what has ended 90 days ago into a new file, and removes it from the ledger. */
export async function archiveSessions(
  administration: Administration,
  path: string,
): Promise<readonly string[]> {
  const { sessions } = await administration.archive({
    endedFor: '90d',
    // A file that is there is not written over; what is written is on the disk when it resolves.
    keep: (lines) => writeFile(path, lines, { flag: 'wx', flush: true }),
  })
  return sessions
}
// #endregion

// #region verify
/** Checks that a file is whole, and the one that was archived. */
export async function verifyArchived(auditing: Auditing, path: string): Promise<void> {
  const lines = createInterface({ input: createReadStream(path) })
  const verified = await auditing.verifyArchive(lines)
  if (!verified.ok) throw new Error(`${path}: line ${verified.line}: ${verified.reason}.`)
}
// #endregion
