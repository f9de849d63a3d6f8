import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Program, parseSync, Visitor } from 'oxc-parser'
import { root } from '../check/command.ts'
import { joinComments } from './comments.ts'
import { repositoryFiles } from './repository-files.ts'

/** An import of a source file, or an export that it passes on from another module. */
export interface SourceImport {
  readonly specifier: string
  /** Whether the import is gone at run time. */
  readonly typeOnly: boolean
}

/** A piece of text in a source file. */
export interface Excerpt {
  readonly text: string
  readonly path: string
  /** The line where the text begins, counted from 1. */
  readonly line: number
}

/** A file of TypeScript, as its syntax tree shows it. */
export interface SourceFile {
  /** The file's path, relative to the root of the repository, with forward slashes. */
  readonly path: string
  readonly lines: number
  readonly imports: readonly SourceImport[]
  /**
   * The names of declared functions, and of functions assigned to a name. A function inside another one is
   * left out, since its reader already has the file before them.
   */
  readonly functions: readonly Excerpt[]
  /** The comments without their marks; lines of `//` below each other are one comment. */
  readonly comments: readonly CommentExcerpt[]
}

/** A comment of a source file; `doc` if it belongs to the declaration below it. */
export interface CommentExcerpt extends Excerpt {
  readonly doc: boolean
}

/** Reads every file of TypeScript in the repository. */
export function readSourceFiles(): readonly SourceFile[] {
  return repositoryFiles('*.ts*')
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => parseSourceFile(path, readFileSync(join(root, path), 'utf8')))
}

/** Whether a path is that of a package's source, and not of a test. */
export function isPackageSource({ path }: { readonly path: string }): boolean {
  return /^packages\/.*\/src\//.test(path) && !/\.test\.tsx?$/.test(path)
}

/** Parses the text of a source file. Throws if it is no TypeScript. */
export function parseSourceFile(path: string, text: string): SourceFile {
  const { program, errors, comments } = parseSync(path, text)
  const [error] = errors
  if (error) throw new Error(`${path}: ${error.message}`)
  const excerpt = (own: string, offset: number): Excerpt => {
    return { text: own, path, line: text.slice(0, offset).split('\n').length }
  }
  return {
    path,
    lines: text.split('\n').length - 1,
    imports: importsOf(program),
    functions: namesOfFunctions(program).map(({ name, start }) => excerpt(name, start)),
    comments: joinComments(comments, text).map((comment) => ({
      ...excerpt(comment.text, comment.start),
      doc: comment.doc,
    })),
  }
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

function namesOfFunctions(program: Program): readonly { name: string; start: number }[] {
  const names: { name: string; start: number }[] = []
  let depth = 0
  const enter = () => void depth++
  const leave = () => void depth--
  new Visitor({
    FunctionDeclaration: ({ id }) => {
      if (id && depth === 0) names.push(id)
      enter()
    },
    'FunctionDeclaration:exit': leave,
    FunctionExpression: enter,
    'FunctionExpression:exit': leave,
    ArrowFunctionExpression: enter,
    'ArrowFunctionExpression:exit': leave,
    VariableDeclarator: ({ id, init }) => {
      const isFunction = init && /^(ArrowFunction|Function)Expression$/.test(init.type)
      if (isFunction && id.type === 'Identifier' && depth === 0) names.push(id)
    },
  }).visit(program)
  return names
}
