import { parseSync } from 'oxc-parser'

/** Names that a module may take from another one. */
export interface NameSource {
  readonly specifier: string
  readonly names: readonly string[]
}

/**
 * Returns an example as a module that compiles alone: a first line imports the names that the example uses
 * and neither imports nor declares, each from the first source that has it.
 */
export function completeExample(code: string, sources: readonly NameSource[]): string {
  const bound = new Set(boundNames(code))
  const imports = sources.map(({ specifier, names }) => {
    const used = names.filter((name) => !bound.has(name) && new RegExp(`\\b${name}\\b`).test(code))
    for (const name of used) bound.add(name)
    return `import { ${used.join(', ')} } from '${specifier}'`
  })
  return `${imports.join('; ')}\n${code}`
}

function boundNames(code: string): readonly string[] {
  const { program } = parseSync('example.ts', code)
  const bindings = program.body.flatMap((statement) => {
    if (statement.type === 'ImportDeclaration')
      return statement.specifiers.map(({ local }) => local)
    const declared = 'declaration' in statement ? statement.declaration : statement
    if (declared?.type === 'VariableDeclaration') return declared.declarations.map(({ id }) => id)
    return declared?.type === 'FunctionDeclaration' && declared.id ? [declared.id] : []
  })
  // A pattern binds some of its words; the compiler misses the others, should one of them be used.
  return bindings.flatMap(({ start, end }) => code.slice(start, end).match(/\w+/g) ?? [])
}
