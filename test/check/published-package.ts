import { globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { root } from './command.ts'
import type { ManifestLinks } from './project.ts'

/** The fields of a `package.json` that the checks read. */
export interface Manifest extends ManifestLinks {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly keywords?: readonly string[]
  readonly private?: boolean
  readonly engines?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
  readonly bin?: Readonly<Record<string, string>>
  readonly publishConfig?: {
    readonly main?: string
    readonly types?: string
    readonly typesVersions?: Readonly<Record<string, unknown>>
    readonly exports?: Readonly<Record<string, unknown>>
    readonly bin?: Readonly<Record<string, string>>
  }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** A package of the workspace that users can install. */
export interface PublishedPackage {
  readonly name: string
  /** The package's folder, relative to the root of the repository, with forward slashes. */
  readonly folder: string
  readonly manifest: Manifest
  /** The import specifiers of the package: one for each path of `exports`, the manifest apart. */
  readonly entries: readonly string[]
}

/** Reads every `package.json` under `packages/` that is not private, in the order of their names. */
export function publishedPackages(): readonly PublishedPackage[] {
  const manifests = globSync('packages/**/package.json', {
    cwd: root,
    exclude: ['**/node_modules/**', '**/dist/**'],
  })
  return manifests
    .map((path) => ({ folder: dirname(path).replaceAll('\\', '/'), manifest: readManifest(path) }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ folder, manifest }) => ({
      name: manifest.name,
      folder,
      manifest,
      entries: Object.keys(manifest.exports).map((path) => posix.join(manifest.name, path)),
    }))
    .sort((left, right) => left.name.localeCompare(right.name))
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}
