import { type Program, parseSync, type Statement, type TSSignature } from 'oxc-parser'
import { joinComments } from '../house/comments.ts'

/** An exported declaration of a source file. */
export interface Declaration {
  readonly name: string
  readonly kind: 'function' | 'value' | 'type'
  /** The doc comment above it, without its marks. */
  readonly doc: string | undefined
  /** The properties and methods of a type that lists them. */
  readonly members: readonly Member[]
}

/** A property or method of a type. */
export interface Member {
  readonly name: string
  readonly doc: string | undefined
}

/** Returns the exported declarations of a source file; each overload of a function is one. */
export function parseDeclarations(path: string, text: string): readonly Declaration[] {
  const { program, comments } = parseSync(path, text)
  const docs = joinComments(comments, text).filter(({ doc }) => doc)
  const docAbove = (start: number) =>
    docs.findLast(({ end }) => end <= start && text.slice(end, start).trim() === '')?.text
  return exportedStatements(program).flatMap(({ start, declaration }) => {
    const members = membersOf(declaration).flatMap((member) => {
      if (!('key' in member) || member.key.type !== 'Identifier') return []
      return [{ name: member.key.name, doc: docAbove(member.start) }]
    })
    return namesOf(declaration).map((named) => ({ ...named, doc: docAbove(start), members }))
  })
}

function exportedStatements(
  program: Program,
): readonly { start: number; declaration: Statement }[] {
  return program.body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration' || !statement.declaration) return []
    return [{ start: statement.start, declaration: statement.declaration }]
  })
}

function namesOf(declaration: Statement): readonly Pick<Declaration, 'name' | 'kind'>[] {
  switch (declaration.type) {
    case 'FunctionDeclaration':
    case 'TSDeclareFunction':
      return [{ name: declaration.id?.name ?? '', kind: 'function' }]
    case 'ClassDeclaration':
      return [{ name: declaration.id?.name ?? '', kind: 'value' }]
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
      return [{ name: declaration.id.name, kind: 'type' }]
    case 'VariableDeclaration':
      return declaration.declarations.flatMap(({ id, init }) => {
        if (id.type !== 'Identifier') return []
        const isFunction = init?.type === 'ArrowFunctionExpression'
        return [{ name: id.name, kind: isFunction ? 'function' : 'value' }]
      })
    default:
      return []
  }
}

function membersOf(declaration: Statement): readonly TSSignature[] {
  if (declaration.type === 'TSInterfaceDeclaration') return declaration.body.body
  if (declaration.type !== 'TSTypeAliasDeclaration') return []
  const { typeAnnotation } = declaration
  return typeAnnotation.type === 'TSTypeLiteral' ? typeAnnotation.members : []
}
