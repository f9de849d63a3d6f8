import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand, tryCommand } from './command.ts'
import type { PublishedPackage } from './published-package.ts'
import type { Tarball } from './tarball.ts'

/** The oldest version of Node in `engines` of every published package. */
export const oldestNode = '22.13.0'

/**
 * The last version of TypeScript that supports Node 10's module resolution, by `main` and `types`.
 */
const node10Typescript = '~5.9.3'

/** The names that each package entry exports at run time, by its import specifier. */
export type ExportedNames = Readonly<Record<string, readonly string[]>>

/**
 * Installs tarballs together in an empty folder with npm, as a user would.
 *
 * Peers come from the registry, in the newest version that the tarballs accept. Throws if any package of ours
 * came from anywhere but its tarball: then the ranges that were packed do not fit each other.
 */
export async function installTarballs(folder: string, tarballs: readonly Tarball[]): Promise<void> {
  const dependencies = tarballs.map(({ package: { name }, path }) => [name, `file:${path}`])
  const manifest = {
    name: 'consumer',
    private: true,
    type: 'module',
    dependencies: Object.fromEntries(dependencies),
    devDependencies: { '@types/node': '^24.0.0', node: oldestNode, typescript: node10Typescript },
    // The package `node` fetches its binary in an install script, which npm is about to ask leave for.
    allowScripts: { node: true },
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  await runCommand('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], folder)
  const lockfile = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8'))
  for (const [path, { resolved }] of Object.entries<{ resolved?: string }>(lockfile.packages)) {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const ours = tarballs.some((tarball) => tarball.package.name === name)
    if (ours && !resolved?.startsWith('file:')) {
      throw new Error(`${path} was installed from ${resolved}, and not from its tarball.`)
    }
  }
}

/** Imports each entry with the given Node, in a process of its own, and returns what each exports. */
export async function importEntries(
  folder: string,
  node: string,
  packages: readonly PublishedPackage[],
): Promise<ExportedNames> {
  const names: Record<string, readonly string[]> = {}
  for (const entry of packages.flatMap((published) => published.entries)) {
    const script = `console.log(JSON.stringify(Object.keys(await import('${entry}'))))`
    names[entry] = JSON.parse(await runCommand(node, ['--input-type=module', '-e', script], folder))
  }
  return names
}

/** Returns where the consumer's folder holds the oldest Node. */
export function oldestNodePath(folder: string): string {
  return join(folder, 'node_modules', 'node', 'bin', 'node')
}

/** A kind of module resolution of a consumer's compiler. */
export type Resolution = 'NodeNext' | 'Bundler' | 'Node10'

/** The module formats of a consumer, by kind of resolution. */
const moduleFormats = { NodeNext: 'NodeNext', Bundler: 'ESNext', Node10: 'CommonJS' } as const

/**
 * Compiles a strict consumer that takes everything from every entry, under one kind of module resolution.
 *
 * The values that the declarations promise have to be exactly those that Node found. The declarations
 * are checked as well, ours and third parties', but only errors in ours count. The consumer has no DOM.
 * `Node10` is compiled with an older TypeScript, as newer ones have dropped that resolution.
 */
export async function checkConsumerTypes(
  folder: string,
  resolution: Resolution,
  names: ExportedNames,
): Promise<void> {
  const project = join(folder, resolution)
  await mkdir(project)
  const compilerOptions = {
    target: 'ES2022',
    lib: ['ES2023'],
    types: ['node'],
    module: moduleFormats[resolution],
    moduleResolution: resolution,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    // Under CommonJS this option forbids the import statements that the consumer is written with.
    verbatimModuleSyntax: resolution !== 'Node10',
    // Not every third party has declarations that Node 10's resolution finds, such as @x402/core/types.
    skipLibCheck: resolution === 'Node10',
    noEmit: true,
  }
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  for (const [index, [entry, values]] of Object.entries(names).entries()) {
    await writeFile(join(project, `entry-${index}.ts`), consumerOf(entry, values))
  }
  const tsc = resolution === 'Node10' ? join(folder, 'node_modules', '.bin', 'tsc') : 'tsc'
  const options = ['-p', project, '--pretty', 'false']
  const { succeeded, everything } = await tryCommand(tsc, options, folder)
  if (succeeded) return
  const errors = everything.split('\n').filter((line) => /^\S/.test(line))
  const ours = errors.filter((line) => !inThirdPartyDeclarations.test(line))
  if (ours.length > 0) throw new Error(ours.join('\n'))
  // A compiler that fails and names no error has failed in another way.
  if (errors.length === 0) throw new Error(everything)
}

const inThirdPartyDeclarations = /^node_modules\/(?!@bursar\/[^/]+\/dist\/).*\): error TS/

function consumerOf(entry: string, values: readonly string[]): string {
  return [
    `import * as entry from '${entry}'`,
    `export * from '${entry}'`,
    'export const values: { readonly [Name in keyof typeof entry]: unknown } = {',
    ...values.map((name) => `  ${JSON.stringify(name)}: entry[${JSON.stringify(name)}],`),
    '}',
    '',
  ].join('\n')
}
