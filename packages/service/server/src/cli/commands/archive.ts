import { join } from 'node:path'
import { type Archived, archiveIntoFolder } from '../../ledger/archive-folder.ts'
import type { AddCommand } from '../command.ts'
import { showProgress } from '../terminal.ts'

/**
 * Adds `bursar archive`, which moves sessions that ended long ago out of the ledger into a file.
 */
export const addArchive: AddCommand = (program, context) => {
  program
    .command('archive')
    .summary('move what ended long ago into a file')
    .description(
      'Writes sessions that have ended, with all below them, into a new file of the folder that the configuration names as archives, and ' +
        'removes them from the ledger. Nothing is removed before the file is on the disk, and nothing that is not proved.',
    )
    .requiredOption('--ended-for <duration>', 'how long ago they have ended, such as 90d')
    .action(({ endedFor }) =>
      context.withGuard(async (bursar, { archives }) => {
        const line = (seconds: number): string => `archiving, ${seconds} s`
        const archive = () => archiveIntoFolder(bursar, archives, endedFor)
        const archived = await showProgress(context.terminal, line, archive)
        context.answer(archived, describeArchive(archived, archives))
      }),
    )
}

function describeArchive({ sessions, resumed, complete, file }: Archived, folder = ''): string {
  const count = (ids: readonly string[]): string =>
    ids.length === 1 ? '1 session' : `${ids.length} sessions`
  return [
    file === undefined
      ? 'Nothing is archived.'
      : `${count(sessions)} archived in ${join(folder, file)}.`,
    ...(resumed.length > 0 ? [`${count(resumed)} of an earlier archive removed.`] : []),
    ...(complete ? [] : ['There may be more: run it again.']),
  ].join('\n')
}
