import { cp, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root, runCommand } from './command.ts'
import type { Tarball } from './tarball.ts'

/** The sentence of the page before the commands for an empty folder. */
const before = 'Once the packages are published, this will do in an empty folder'

/** The last line but one that the example prints. */
const said = 'The model said: ACME costs 103.40 USD.'

/**
 * Does in an empty folder what `docs/start.md` tells a reader to do, with each package of ours from its tarball, and
 * runs the example there. Throws what a command printed if it fails, or if the example says something else.
 */
export async function runStartPage(folder: string, tarballs: readonly Tarball[]): Promise<void> {
  const home = join(folder, 'start')
  await mkdir(home)
  for (const command of await readCommands()) {
    const args = command.split(' ').map((word) => pathOf(tarballs, word))
    await runCommand('npm', [...args.slice(1), '--no-audit', '--no-fund', '--loglevel=error'], home)
  }
  await cp(join(root, 'examples', 'ai-sdk-agent', 'src'), join(home, 'src'), { recursive: true })
  const printed = await runCommand(process.execPath, ['src/main.ts'], home)
  if (!printed.includes(said)) throw new Error(`The example printed:\n${printed}`)
}

/** Reads the page's commands for an empty folder. Throws if it has none. */
async function readCommands(): Promise<readonly string[]> {
  const page = await readFile(join(root, 'docs', 'start.md'), 'utf8')
  const [, after = ''] = page.split(before)
  const commands =
    /```sh\n(.*?)```/s
      .exec(after)?.[1]
      ?.trim()
      .split(/\n| && /) ?? []
  if (commands.length === 0) throw new Error('docs/start.md has no commands for an empty folder.')
  return commands
}

function pathOf(tarballs: readonly Tarball[], word: string): string {
  return tarballs.find((one) => one.package.name === word)?.path ?? word
}
