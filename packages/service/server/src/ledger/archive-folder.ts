import { randomBytes } from 'node:crypto'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ArchiveResult, type Bursar, BursarError } from '@bursar/core'

/** The result of archiving. */
export interface Archived extends ArchiveResult {
  /** The name of the new file in the folder; undefined if no session was archived. */
  readonly file?: string
}

/**
 * Archives sessions that ended at least `endedFor` ago into a new file of the folder. The ledger
 * removes them after the file and its directory entry are on the disk. Only the owner can read the
 * file. Throws `archive_not_configured` if there is no folder.
 */
export async function archiveIntoFolder(
  { administration }: Pick<Bursar, 'administration'>,
  folder: string | undefined,
  endedFor: string,
): Promise<Archived> {
  if (folder === undefined) {
    const message =
      "The configuration names no folder for archives. Add one: archives: './archives'"
    throw new BursarError('archive_not_configured', message)
  }
  let file: string | undefined
  const result = await administration.archive({
    endedFor,
    keep: async (lines) => {
      const name = createArchiveName()
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeFile(join(folder, name), lines, { flag: 'wx', mode: 0o600, flush: true })
      await syncFolder(folder)
      file = name
    },
  })
  return { ...result, ...(file === undefined ? {} : { file }) }
}

/** Creates a file name that sorts by time, with a random part for archives of one moment. */
function createArchiveName(): string {
  const time = new Date().toISOString().replace(/[:.]/g, '-')
  return `bursar-archive-${time}-${randomBytes(4).toString('hex')}.jsonl`
}

/** Makes the directory entry of a new file durable. Windows cannot sync a folder and does not need to. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
