/**
 * Writes the addresses of `project.json` into every published `package.json` and into the badges of
 * the README. Run it as `pnpm manifests`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './check/command.ts'
import { manifestLinks, readProject } from './check/project.ts'
import { publishedPackages } from './check/published-package.ts'
import { writeBadges } from './docs/badges.ts'

const project = readProject()
for (const { folder, manifest } of publishedPackages()) {
  const { repository, homepage, bugs, ...own } = manifest
  const { name, version, description, keywords, ...rest } = own
  const links = manifestLinks(project, folder)
  const written = { name, version, description, keywords, ...links, ...rest }
  writeFileSync(join(root, folder, 'package.json'), `${JSON.stringify(written, undefined, 2)}\n`)
}

const readme = join(root, 'README.md')
writeFileSync(readme, writeBadges(readFileSync(readme, 'utf8'), project))
