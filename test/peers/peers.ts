import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../check/command.ts'
import { type PublishedPackage, publishedPackages } from '../check/published-package.ts'

/** An adapter with versions of its peers, as a `package.json` names dependencies. */
export interface Peers {
  readonly adapter: PublishedPackage
  readonly dependencies: Readonly<Record<string, string>>
}

/** Reads `test/lowest-peers.json` of every adapter that has one. */
export function lowestPeers(): readonly Peers[] {
  const packages = publishedPackages()
  return globSync('packages/adapters/*/test/lowest-peers.json', { cwd: root }).flatMap((path) => {
    const folder = dirname(dirname(path)).replaceAll('\\', '/')
    const adapter = packages.find((one) => one.folder === folder)
    const dependencies = JSON.parse(readFileSync(join(root, path), 'utf8'))
    return adapter ? [{ adapter, dependencies }] : []
  })
}

/** Returns the peers with ranges of their newest versions, up to the next major version. */
export function newestPeers({ adapter, dependencies }: Peers): Peers {
  const newest = Object.entries(dependencies).map(([name, version]) => [
    name,
    version.replace(/(?=\d+\.\d+\.\d+$)/, '^'),
  ])
  return { adapter, dependencies: Object.fromEntries(newest) }
}

/**
 * Returns the lowest version of each range in the adapter's `peerDependencies` that is not installed,
 * our own packages apart. Returns an empty array if every claimed version is tested.
 */
export function unproved({ adapter, dependencies }: Peers): readonly string[] {
  const installed = Object.entries(dependencies).map(([name, version]) =>
    version.startsWith('npm:') ? version.slice('npm:'.length) : `${name}@${version}`,
  )
  return Object.entries(adapter.manifest.peerDependencies ?? {})
    .filter(([name]) => !name.startsWith('@bursar/'))
    .flatMap(([name, range]) => lowestOf(range).map((version) => `${name}@${version}`))
    .filter((claimed) => !installed.includes(claimed))
}

/** Lists the lowest versions of a range: `^6.0.0 || >=7.1.0 <8` starts at 6.0.0 and at 7.1.0. */
function lowestOf(range: string): readonly string[] {
  return range.split('||').map((part) => {
    const version = /\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?/.exec(part)
    if (!version) throw new Error(`The range ${range} names no lowest version.`)
    return version[0]
  })
}
