import { join } from 'node:path'
import { type Archived, archiveIntoFolder } from '../../ledger/archive-folder.ts'
import type { AddCommand } from '../command.ts'
import { showTerminalProgress } from '../terminal.ts'

/**
 * Adds `bursar archive`, which moves sessions that ended long ago out of the ledger into a file.
 */
export const addArchive: AddCommand = (program, context) => {
  program
    .command('archive')
    .summary('move sessions that ended long ago into a file')
    .description(
      'Writes ended sessions with their payments into a new file in the archives folder of the configuration, and then removes them from the ledger. ' +
        'A session is removed only after the file is on the disk, and only if each of its payments is proven.',
    )
    .requiredOption(
      '--ended-for <duration>',
      'the least time since the sessions ended, such as 90d',
    )
    .action(({ endedFor }) =>
      context.withGuard(async (bursar, { archives }) => {
        const line = (seconds: number): string => `archiving, ${seconds} s`
        const archive = () => archiveIntoFolder(bursar, archives, endedFor)
        const archived = await showTerminalProgress(context.terminal, line, archive)
        context.answer(archived, describeArchive(archived, archives))
      }),
    )
}

function describeArchive({ sessions, resumed, complete, file }: Archived, folder = ''): string {
  const count = (ids: readonly string[]): string =>
    ids.length === 1 ? '1 session' : `${ids.length} sessions`
  return [
    file === undefined
      ? 'No session was archived.'
      : `${count(sessions)} archived in ${join(folder, file)}.`,
    ...(resumed.length > 0
      ? [`${count(resumed)} of an earlier archive removed from the ledger.`]
      : []),
    ...(complete ? [] : ['There may be more sessions: run the command again.']),
  ].join('\n')
}
