import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Program, parseSync, Visitor } from 'oxc-parser'
import { root } from '../check/command.ts'
import { repositoryFiles } from './repository-files.ts'

/** An import of a source file, or an export that it passes on from another module. */
export interface SourceImport {
  readonly specifier: string
  /** Whether the import is gone at run time. */
  readonly typeOnly: boolean
}

/** A file of TypeScript, as its syntax tree shows it. */
export interface SourceFile {
  /** Relative to the root of the repository, with forward slashes. */
  readonly path: string
  readonly lines: number
  readonly imports: readonly SourceImport[]
}

/** Reads the source files of every package below `packages/`, without their tests. */
export function readPackageSources(): readonly SourceFile[] {
  return repositoryFiles('packages/**/src/**')
    .filter((path) => /\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path))
    .map((path) => parseSourceFile(path, readFileSync(join(root, path), 'utf8')))
}

/** Parses the text of a source file. Throws if it is no TypeScript. */
export function parseSourceFile(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text)
  const [error] = errors
  if (error) throw new Error(`${path}: ${error.message}`)
  return { path, lines: text.split('\n').length - 1, imports: importsOf(program) }
}

function importsOf(program: Program): readonly SourceImport[] {
  const imports: SourceImport[] = []
  const add = (specifier: string, typeOnly: boolean) => void imports.push({ specifier, typeOnly })
  new Visitor({
    ImportDeclaration: ({ source, importKind }) => add(source.value, importKind === 'type'),
    ExportAllDeclaration: ({ source, exportKind }) => add(source.value, exportKind === 'type'),
    ExportNamedDeclaration: ({ source, exportKind }) => {
      if (source) add(source.value, exportKind === 'type')
    },
    ImportExpression: ({ source }) => {
      if (source.type === 'Literal' && typeof source.value === 'string') add(source.value, false)
    },
    TSImportType: ({ source }) => add(source.value, true),
  }).visit(program)
  return imports
}
