import type { EntryExport } from './entry-exports.ts'

/** Returns a sentence for each export that has no doc comment. */
export function undocumentedExports(exports: readonly EntryExport[]): readonly string[] {
  return exports.filter(({ doc }) => !doc).map((one) => describeFault(one, 'has no doc comment'))
}

/** Returns a sentence for each exported function without an `@example` in a fence of TypeScript. */
export function exportsWithoutExample(exports: readonly EntryExport[]): readonly string[] {
  return exports
    .filter(({ kind, doc }) => kind === 'function' && examplesIn(doc).length === 0)
    .map((one) => describeFault(one, 'has no @example with a block of ts'))
}

/** Returns a sentence for each member of an exported type of options that has no doc comment. */
export function undocumentedOptions(exports: readonly EntryExport[]): readonly string[] {
  return exports
    .filter(({ name }) => name.endsWith('Options'))
    .flatMap((one) =>
      one.members
        .filter(({ doc }) => !doc)
        .map(({ name }) =>
          describeFault({ ...one, name: `${one.name}.${name}` }, 'has no doc comment'),
        ),
    )
}

/** Returns the first block of ts under each `@example` of a doc comment. */
export function examplesIn(doc: string | undefined): readonly string[] {
  const examples = (doc ?? '').split(/^@example\b/m).slice(1)
  return examples.flatMap((example) => /^```ts\n([\s\S]*?)^```$/m.exec(example)?.slice(1) ?? [])
}

function describeFault({ path, entry, name }: EntryExport, lack: string): string {
  return `${name} of ${entry} ${lack} (${path})`
}
