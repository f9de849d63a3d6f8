import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { parseSync } from 'oxc-parser'
import { root } from '../check/command.ts'
import { publishedPackages } from '../check/published-package.ts'
import { type Declaration, parseDeclarations } from './declarations.ts'

/** A name that a package offers to its users. */
export interface EntryExport extends Declaration {
  /** The specifier that users import it with, such as `@bursar/core/session`. */
  readonly entry: string
  /** The file that declares it. */
  readonly path: string
}

/**
 * Reads the exports of every entry of every published package. Throws if one has no declaration.
 *
 * What two entries of a package export is there once, for the first of them.
 */
export function readEntryExports(): readonly EntryExport[] {
  const all = publishedPackages().flatMap(({ folder, name, manifest }) =>
    Object.entries(manifest.exports).flatMap(([path, source]) => {
      const entry = posix.join(name, path)
      return exportsOf(posix.join(folder, String(source))).map((one) => ({ ...one, entry }))
    }),
  )
  const first = (one: EntryExport) =>
    all.find(({ path, name }) => path === one.path && name === one.name)
  return all.filter((one) => first(one) === one)
}

function exportsOf(path: string): readonly Omit<EntryExport, 'entry'>[] {
  const text = readFileSync(join(root, path), 'utf8')
  const passedOn = parseSync(path, text).program.body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration' || !statement.source) return []
    const source = posix.join(path, '..', statement.source.value)
    const offered = exportsOf(source)
    return statement.specifiers.flatMap(({ local }) => {
      const found = offered.filter(({ name }) => local.type === 'Identifier' && name === local.name)
      if (found.length === 0) throw new Error(`${path} passes on what ${source} does not export.`)
      return found
    })
  })
  return [...passedOn, ...parseDeclarations(path, text).map((one) => ({ ...one, path }))]
}
