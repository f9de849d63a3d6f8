import { type Dirent, existsSync, globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, resolve, sep } from 'node:path'
import { build, type Metafile } from 'esbuild'
import { root } from './command.ts'
import type { Manifest, PublishedPackage } from './published-package.ts'

/**
 * Returns what is wrong with an installed package, in sentences; nothing if it holds what users need and no more.
 *
 * That is: its manifest with real ranges, its README, the licence, and a build of nothing but its own sources,
 * which imports only Node and what the manifest declares.
 */
export async function faultsOfInstalledPackage(
  consumer: string,
  published: PublishedPackage,
): Promise<string[]> {
  const folder = join(consumer, 'node_modules', published.name)
  const manifest: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const faults = [
    ...faultsOfFiles(folder, published),
    ...faultsOfManifest(manifest),
    ...copiesOfItsOwn(folder, manifest),
    ...faultsOfSources(folder, published),
    ...(await faultsOfImports(folder, manifest)),
  ]
  return faults.map((fault) => `${published.name} ${fault}`)
}

function faultsOfFiles(folder: string, published: PublishedPackage): string[] {
  const files = filesOf(folder, '**')
  const workspace = join(root, published.folder)
  const missing = ['LICENSE', 'README.md'].filter((file) => !files.includes(file))
  const foreign = files.filter(
    (file) =>
      !['LICENSE', 'README.md', 'package.json'].includes(file) &&
      !/^dist\/.*\.(js|js\.map|d\.ts)$/.test(file),
  )
  return [
    ...missing.map((file) => `holds no ${file}`),
    ...foreign.map((file) => `holds ${file}, which no user needs`),
    ...files
      .filter((file) => readFileSync(join(folder, file), 'utf8').includes(workspace))
      .map((file) => `${file} names a folder of this machine`),
  ]
}

function faultsOfManifest(manifest: Manifest): string[] {
  const ranges = Object.entries({
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  })
  return ranges
    .filter(([, range]) => !/^[\^~]?\d+\.\d+\.\d+( \|\| \^\d+\.\d+\.\d+)*$/.test(range))
    .map(
      ([name, range]) =>
        `asks for ${name} in the range ${range}, which is neither a version nor "^"`,
    )
}

/**
 * Finds dependencies that npm put inside a package because the version beside it did not fit. A
 * user would have two copies, whose types and classes are incompatible.
 */
function copiesOfItsOwn(folder: string, manifest: Manifest): string[] {
  return Object.entries(manifest.dependencies ?? {})
    .filter(([name]) => existsSync(join(folder, 'node_modules', name)))
    .map(([name, range]) => `brings its own copy of ${name}, because it asks for ${range}`)
}

/** Lists the source files of a build, as its source maps name them. */
function faultsOfSources(folder: string, published: PublishedPackage): string[] {
  const own = join(root, published.folder, 'src') + sep
  return filesOf(folder, 'dist/**/*.js').flatMap((file) => {
    const { sources } = JSON.parse(readFileSync(join(folder, `${file}.map`), 'utf8'))
    const beside = dirname(join(root, published.folder, file))
    return (sources as string[])
      .filter((source) => !resolve(beside, source).startsWith(own))
      .map((source) => `${file} bundles ${source}`)
  })
}

async function faultsOfImports(folder: string, manifest: Manifest): Promise<string[]> {
  const declared = [
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.peerDependencies ?? {}),
  ]
  const { inputs } = await importGraph(folder, filesOf(folder, 'dist/**/*.js'), {
    platform: 'node',
    packages: 'external',
  })
  return importsOf(inputs).flatMap(({ file, specifier }) => {
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
    const known = specifier.startsWith('node:') ? isBuiltin(specifier) : declared.includes(name)
    return known ? [] : [`${file} imports ${specifier}, which the manifest does not declare`]
  })
}

/**
 * Throws if an entry that has to run anywhere (in a browser, at the edge) reaches what only Node has.
 *
 * `never` names packages that it must not reach either, because they weigh too much or need Node.
 */
export async function checkPortableEntry(
  consumer: string,
  entry: string,
  never: readonly string[],
): Promise<void> {
  // A neutral platform has no built-in modules, so esbuild reports each import of one as unresolved.
  const { inputs } = await importGraph(consumer, [entry], {
    platform: 'neutral',
    mainFields: ['module', 'main'],
  })
  const found = [
    ...Object.keys(inputs).filter((file) =>
      never.some((name) => file.includes(`node_modules/${name}/`)),
    ),
    ...importsOf(inputs).map(({ file, specifier }) => `${specifier}, imported by ${file}`),
  ]
  if (found.length > 0) throw new Error(`${entry} reaches\n  ${found.join('\n  ')}`)
}

async function importGraph(
  folder: string,
  entryPoints: string[],
  options: Pick<Parameters<typeof build>[0], 'platform' | 'packages' | 'mainFields'>,
): Promise<Metafile> {
  const { metafile } = await build({
    ...options,
    absWorkingDir: folder,
    entryPoints,
    outdir: 'unused',
    bundle: true,
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  return metafile
}

/** Lists the imports that a bundle leaves to its runtime. */
function importsOf(inputs: Metafile['inputs']): { file: string; specifier: string }[] {
  return Object.entries(inputs).flatMap(([file, { imports }]) =>
    imports.filter(({ external }) => external).map(({ path }) => ({ file, specifier: path })),
  )
}

// A second copy of a dependency stands inside the package; it is not part of the package.
function notOurs(entry: Dirent): boolean {
  return entry.name === 'node_modules'
}

function filesOf(folder: string, pattern: string): string[] {
  return globSync(pattern, { cwd: folder, withFileTypes: true, exclude: notOurs })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .map((file) => file.replaceAll(sep, '/'))
}
