import { describe, expect, test } from 'vitest'
import { parseDeclarations } from './exports/declarations.ts'
import { readEntryExports } from './exports/entry-exports.ts'
import { completeExample } from './exports/example-module.ts'
import {
  exportsWithoutExample,
  undocumentedExports,
  undocumentedOptions,
} from './exports/export-faults.ts'

const exports = readEntryExports()

describe('every export', () => {
  test('has a doc comment', () => {
    expect(exports.length).toBeGreaterThan(300)
    expect(undocumentedExports(exports)).toEqual([])
  })

  test('that is a function has an example', () => {
    expect(exportsWithoutExample(exports)).toEqual([])
  })

  test('that is a type of options documents each option', () => {
    expect(undocumentedOptions(exports)).toEqual([])
  })
})

describe('a declaration', () => {
  const text = [
    '/** Adds. */',
    'export function add(): void {}',
    '',
    '/** One cent. */',
    '',
    'export const cent = 1n, zero = 0n',
    'export const half = () => 1',
    'function hidden() {}',
    '/** A shop. */',
    'export interface ShopOptions {',
    '  /** Where it is. */',
    '  readonly url: string',
    '  open?(): void',
    '}',
    'export type Amount = bigint',
  ].join('\n')
  const declarations = parseDeclarations('shop.ts', text)

  test('is read with its kind, its doc comment and its members', () => {
    expect(declarations).toEqual([
      { name: 'add', kind: 'function', doc: 'Adds.', members: [] },
      { name: 'cent', kind: 'value', doc: 'One cent.', members: [] },
      { name: 'zero', kind: 'value', doc: 'One cent.', members: [] },
      { name: 'half', kind: 'function', doc: undefined, members: [] },
      {
        name: 'ShopOptions',
        kind: 'type',
        doc: 'A shop.',
        members: [
          { name: 'url', doc: 'Where it is.' },
          { name: 'open', doc: undefined },
        ],
      },
      { name: 'Amount', kind: 'type', doc: undefined, members: [] },
    ])
  })

  test('that lacks a text is a fault', () => {
    const offered = declarations.map((one) => ({ ...one, entry: 'shop', path: 'shop.ts' }))
    const sentences = [undocumentedExports, exportsWithoutExample, undocumentedOptions].map(
      (describeFaults) => describeFaults(offered),
    )
    expect(sentences).toEqual([
      ['half of shop has no doc comment (shop.ts)', 'Amount of shop has no doc comment (shop.ts)'],
      [
        'add of shop has no @example with a block of ts (shop.ts)',
        'half of shop has no @example with a block of ts (shop.ts)',
      ],
      ['ShopOptions.open of shop has no doc comment (shop.ts)'],
    ])
  })
})

describe('an example', () => {
  const sources = [
    { specifier: 'shop', names: ['buy', 'sell'] },
    { specifier: '../surroundings.ts', names: ['session', 'buy', 'token'] },
  ]

  test.each([
    ['buy(session)', "import { buy } from 'shop'; import { session } from '../surroundings.ts'"],
    [
      "import { buy } from 'market'\nbuy()",
      "import {  } from 'shop'; import {  } from '../surroundings.ts'",
    ],
    [
      'const { token } = sell()',
      "import { sell } from 'shop'; import {  } from '../surroundings.ts'",
    ],
  ])('takes the names that it does not make: %s', (code, imports) => {
    expect(completeExample(code, sources)).toBe(`${imports}\n${code}`)
  })
})
