import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { root, runCommand } from '../check/command.ts'
import { publishedPackages } from '../check/published-package.ts'
import { parseDeclarations } from './declarations.ts'
import { readEntryExports } from './entry-exports.ts'
import { completeExample } from './example-module.ts'
import { examplesIn } from './export-faults.ts'

/**
 * Compiles the examples in the doc comments of everything that the packages export, as one project within
 * the workspace, where the names of packages resolve. Throws what the compiler says.
 */
export async function compileExamples(): Promise<void> {
  const folder = await mkdtemp(join(import.meta.dirname, 'compiled-'))
  try {
    for (const [name, code] of exampleModules()) await writeFile(join(folder, name), code)
    const config = {
      extends: '../../../tsconfig.json',
      // The compiler need not emit declarations, so exports need no annotation.
      compilerOptions: { paths: entrySources(), declaration: false, isolatedDeclarations: false },
      include: ['*.ts', '../surroundings.ts'],
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    await runCommand('tsc', ['--noEmit', '-p', folder])
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Returns the source of every entry by its specifier, so that the examples need no manifest. */
function entrySources(): Readonly<Record<string, readonly string[]>> {
  const sources = publishedPackages().flatMap(({ folder, name, manifest }) =>
    Object.entries(manifest.exports).map(([path, source]) => [
      posix.join(name, path),
      [join(root, folder, String(source))],
    ]),
  )
  return Object.fromEntries(sources)
}

/** Names the file after the export of the example: `core-testing.fakeWallet.0.ts`. */
function exampleModules(): readonly (readonly [name: string, code: string])[] {
  const exports = readEntryExports()
  const path = 'test/exports/surroundings.ts'
  const surroundings = parseDeclarations(path, readFileSync(join(root, path), 'utf8'))
  return exports.flatMap(({ entry, name, doc }) => {
    const own = exports.filter((one) => one.entry === entry)
    const sources = [
      { specifier: entry, names: own.map((one) => one.name) },
      { specifier: '../surroundings.ts', names: surroundings.map((one) => one.name) },
    ]
    return examplesIn(doc).map((code, index) => {
      const file = `${entry.replace('@bursar/', '').replace('/', '-')}.${name}.${index}.ts`
      return [file, completeExample(code, sources)] as const
    })
  })
}
