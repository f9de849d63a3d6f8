import { randomBytes } from 'node:crypto'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ArchiveResult, type Bursar, BursarError } from '@bursar/core'

/** What was archived, and the name of the file that has it. */
export interface Archived extends ArchiveResult {
  readonly file?: string
}

/**
 * Archives what has ended into a new file of the folder that is configured. Nothing is removed from the
 * ledger before the file, and its name in the folder, are on the disk. Only their owner can read the
 * files. Throws `archive_not_configured` where there is no folder.
 */
export async function archiveIntoFolder(
  { administration }: Pick<Bursar, 'administration'>,
  folder: string | undefined,
  endedFor: string,
): Promise<Archived> {
  if (folder === undefined) {
    const message = 'The configuration names no folder: archives: …'
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

/** Sorts by time, and is nobody else's in the same second. */
function createArchiveName(): string {
  const time = new Date().toISOString().replace(/[:.]/g, '-')
  return `bursar-archive-${time}-${randomBytes(4).toString('hex')}.jsonl`
}

/** A name is durable once its folder is. Windows has no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
