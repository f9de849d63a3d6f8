import type { EntryExport } from './entry-exports.ts'

import type { Fault } from './tolerated-faults.ts'

/** Returns a fault for each export that has no doc comment. */
export function undocumentedExports(exports: readonly EntryExport[]): readonly Fault[] {
  return exports.filter(({ doc }) => !doc).map((one) => faultOf(one, 'has no doc comment'))
}

/** Returns a fault for each exported function without an `@example` in a fence of TypeScript. */
export function exportsWithoutExample(exports: readonly EntryExport[]): readonly Fault[] {
  return exports
    .filter(({ kind, doc }) => kind === 'function' && examplesIn(doc).length === 0)
    .map((one) => faultOf(one, 'has no @example with a block of ts'))
}

/** Returns a fault for each member of an exported type of options that has no doc comment. */
export function undocumentedOptions(exports: readonly EntryExport[]): readonly Fault[] {
  return exports
    .filter(({ name }) => name.endsWith('Options'))
    .flatMap((one) =>
      one.members
        .filter(({ doc }) => !doc)
        .map(({ name }) => faultOf({ ...one, name: `${one.name}.${name}` }, 'has no doc comment')),
    )
}

/** Returns the first block of ts under each `@example` of a doc comment. */
export function examplesIn(doc: string | undefined): readonly string[] {
  const examples = (doc ?? '').split(/^@example\b/m).slice(1)
  return examples.flatMap((example) => /^```ts\n([\s\S]*?)^```$/m.exec(example)?.slice(1) ?? [])
}

function faultOf({ path, entry, name }: EntryExport, lack: string): Fault {
  return { path, sentence: `${name} of ${entry} ${lack} (${path})` }
}
