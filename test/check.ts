/**
 * Proves that the tree is sound, and that the packages work as users get them. Run it as `pnpm check`.
 *
 * It prints one line for each step and goes on after a failure where it can; it ends with 1 if anything failed.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from './check/command.ts'
import {
  checkConsumerTypes,
  importEntries,
  installTarballs,
  oldestNode,
  oldestNodePath,
} from './check/consumer.ts'
import { checkPortableEntry, faultsOfInstalledPackage } from './check/installed-package.ts'
import { checkService } from './check/installed-service.ts'
import { type PublishedPackage, publishedPackages } from './check/published-package.ts'
import { runStartPage } from './check/start-page.ts'
import { lintTarball, packTarball } from './check/tarball.ts'
import { compileExamples } from './exports/compile-examples.ts'

/** Entries that adapters and clients load, wherever they run, with what these must not drag along. */
const portableEntries = [{ entry: '@bursar/core/session', never: ['undici', 'zod'] }]

const failed: string[] = []

await step('format and lint', () =>
  runCommand('biome', ['ci', '--colors=off', '--error-on-warnings', '.']),
)
await step('types', () => runCommand('tsc', ['--noEmit', '-p', 'tsconfig.json']))
await step('unused files, exports and dependencies', () =>
  runCommand('knip', ['--no-config-hints']),
)
await step('examples in doc comments', compileExamples)
await step('rooms and their order', () => runCommand('node', ['test/house/main.ts']))
const room = await mkdtemp(join(tmpdir(), 'bursar-check-'))
try {
  await checkPackages(room)
} finally {
  await rm(room, { recursive: true, force: true })
}
console.log(failed.length === 0 ? 'Everything passed.' : `Failed: ${failed.join(', ')}.`)
process.exitCode = failed.length === 0 ? 0 : 1

/** A step that fails ends the function, because later steps need its result. */
async function checkPackages(folder: string): Promise<void> {
  const packages = publishedPackages()
  const consumer = join(folder, 'consumer')
  await mkdir(consumer)
  if (!(await step('build every package', () => runCommand('pnpm', ['build'])))) return
  const tarballs = await step('pack every package', () =>
    inTurn(packages, (published) => packTarball(published, folder)),
  )
  if (!tarballs) return
  await step('publint and are-the-types-wrong', () => inTurn(tarballs, lintTarball))
  const installed = await step('install the tarballs in an empty folder', () =>
    installTarballs(consumer, tarballs).then(() => true),
  )
  if (!installed) return
  await step('contents and imports of what was installed', async () => {
    const check = (published: PublishedPackage) => faultsOfInstalledPackage(consumer, published)
    const faults = (await inTurn(packages, check)).flat()
    if (faults.length > 0) throw new Error(faults.join('\n'))
  })
  await step('the steps of docs/start.md in an empty folder', () => runStartPage(folder, tarballs))
  for (const { entry, never } of portableEntries) {
    await step(`${entry} without Node`, () => checkPortableEntry(consumer, entry, never))
  }
  await step(`import every entry on Node ${oldestNode}`, () =>
    importEntries(consumer, oldestNodePath(consumer), packages),
  )
  const names = await step(`import every entry on Node ${process.versions.node}`, () =>
    importEntries(consumer, process.execPath, packages),
  )
  await step(`run the service on Node ${oldestNode}`, () =>
    checkService(consumer, oldestNodePath(consumer)),
  )
  if (!names) return
  for (const resolution of ['NodeNext', 'Bundler', 'Node10'] as const) {
    await step(`types of every entry under ${resolution}`, () =>
      checkConsumerTypes(consumer, resolution, names),
    )
  }
}

/** Runs one step and prints its result. Returns the step's value, or undefined if it failed. */
async function step<Result>(name: string, run: () => Promise<Result>): Promise<Result | undefined> {
  const startedAt = performance.now()
  process.stdout.write(`${name.padEnd(50, '.')} `)
  try {
    const result = await run()
    console.log(`passed in ${secondsSince(startedAt)} s`)
    return result
  } catch (error) {
    failed.push(name)
    console.log(`FAILED after ${secondsSince(startedAt)} s`)
    console.log(error instanceof Error ? error.message : error)
    return undefined
  }
}

function secondsSince(startedAt: number): string {
  return ((performance.now() - startedAt) / 1000).toFixed(1)
}

async function inTurn<Item, Result>(
  items: readonly Item[],
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (const item of items) results.push(await run(item))
  return results
}
