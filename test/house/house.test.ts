import { describe, expect, test } from 'vitest'
import { buildHouse } from './house.ts'
import { faultsOfHouse } from './house-faults.ts'
import { reportHouse } from './house-report.ts'
import { drawSample, reportSample } from './sample.ts'
import { parseSourceFile, type SourceFile } from './source-file.ts'

const folder = 'packages/shop'

/** Two rooms and an index, in which each room imports only the rooms below it. */
const sorted = {
  'money/amount.ts': 'export const cent = 1n\n',
  'ledger/payment.ts': "import { cent } from '../money/amount.ts'\n\nexport const price = cent\n",
  'index.ts': "export { price } from './ledger/payment.ts'\n",
}

function filesOf(texts: Readonly<Record<string, string>>): readonly SourceFile[] {
  return Object.entries(texts).map(([path, text]) => parseSourceFile(`${folder}/src/${path}`, text))
}

function houseOf(texts: Readonly<Record<string, string>>) {
  return buildHouse(folder, filesOf(texts), ['money', 'ledger', 'root'])
}

describe('a source file', () => {
  test('shows its imports of every form, and whether they are gone at run time', () => {
    const text = [
      "import type { A } from './a.ts'",
      "import { type B } from './b.ts'",
      "import './c.ts'",
      "export type { D } from './d.ts'",
      "export * as e from './e.ts'",
      "export const f = () => import('./f.ts')",
      "export type G = import('./g.ts').G",
      "// import { h } from './h.ts'",
      "export const i = `import { i } from './i.ts'`",
    ].join('\n')
    const imports = parseSourceFile('imports.ts', text).imports.map(
      ({ specifier, typeOnly }) => `${specifier}${typeOnly ? ' type' : ''}`,
    )
    expect(imports).toEqual([
      './a.ts type',
      './b.ts',
      './c.ts',
      './d.ts type',
      './e.ts',
      './f.ts',
      './g.ts type',
    ])
  })

  test('shows its named functions and its comments, and where they stand', () => {
    const text = [
      '/**',
      ' * Adds one cent.',
      ' *',
      ' * @example',
      ' * addCent(1n)',
      ' */',
      'export function addCent(amount: bigint): bigint {',
      '  // A cent is one.',
      '  // Whole cents only.',
      '  const add = (one: bigint) => one + amount',
      '',
      '  // Once.',
      '',
      '  // Apart.',
      '  return add(1n)',
      '}',
    ].join('\n')
    const { functions, comments } = parseSourceFile('cent.ts', text)
    expect(functions).toEqual([{ text: 'addCent', path: 'cent.ts', line: 7 }])
    expect(comments.map(({ text, line }) => [line, text])).toEqual([
      [1, 'Adds one cent.\n\n@example\naddCent(1n)'],
      [8, 'A cent is one.\nWhole cents only.'],
      [12, 'Once.'],
      [14, 'Apart.'],
    ])
  })

  test('that is no TypeScript is refused', () => {
    expect(() => parseSourceFile('broken.ts', 'export const = 1')).toThrow(/^broken\.ts: /)
  })
})

describe('a house', () => {
  test('has its rooms in the declared order, with floors and arrows', () => {
    expect(reportHouse(houseOf(sorted))).toMatchInlineSnapshot(`
      "packages/shop: 3 files, 5 lines, 0 circles, 3 rooms on 3 floors, 2 arrows, 0 upward
        room    floor  files   lines  imports (pairs of files)
        money       1      1       1
        ledger      2      1       3  money 1
        root        3      1       1  ledger 1"
    `)
    expect(faultsOfHouse(houseOf(sorted))).toEqual([])
  })

  test('shows an import against the order, of a type as well', () => {
    const texts = {
      ...sorted,
      'money/limit.ts': "import type { price } from '../ledger/payment.ts'\n",
    }
    expect(faultsOfHouse(houseOf(texts))).toMatchInlineSnapshot(`
      [
        "upward from money to ledger: packages/shop/src/money/limit.ts imports packages/shop/src/ledger/payment.ts",
      ]
    `)
  })

  test('shows the shortest circle of files within a room', () => {
    const texts = {
      ...sorted,
      'money/a.ts': "import './b.ts'\nimport type { c } from './c.ts'\n",
      'money/b.ts': "import './c.ts'\n",
      'money/c.ts': "import './a.ts'\n",
    }
    expect(faultsOfHouse(houseOf(texts))).toMatchInlineSnapshot(`
      [
        "3 files in a circle: packages/shop/src/money/a.ts → packages/shop/src/money/c.ts → packages/shop/src/money/a.ts",
      ]
    `)
  })

  test('puts rooms that import each other on one floor, and those above them on the next', () => {
    const texts = {
      ...sorted,
      'money/limit.ts': "import type { price } from '../ledger/payment.ts'\n",
    }
    const floors = houseOf(texts).rooms.map(({ name, floor }) => `${name} ${floor}`)
    expect(floors).toEqual(['money 1', 'ledger 1', 'root 2'])
  })

  test('names a room that has no place in the order', () => {
    expect(faultsOfHouse(houseOf({ ...sorted, 'views/sum.ts': '' }))).toEqual([
      'packages/shop has a room views, which test/house/rooms.ts does not name',
    ])
  })

  test('has at most 25 files beside each other', () => {
    const rooms = (count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`money/coin-${index}.ts`, '']),
      )
    expect(faultsOfHouse(houseOf(rooms(25)))).toEqual([])
    expect(faultsOfHouse(houseOf(rooms(26)))).toEqual([
      'packages/shop/src/money has 26 files beside each other',
    ])
  })
})

describe('a sample', () => {
  const files = filesOf({
    'money/amount.ts': '/** Adds. @example add(1) */\nexport const add = () => 1\n',
    'money/limit.ts':
      '// biome-ignore lint: none\nfunction limit() {}\n/* v8 ignore next */\n// Why\n// so.\n',
  })

  test('follows from its seed', () => {
    const names = (seed: number) => drawSample(files, seed).functions.map(({ text }) => text)
    const seeds = Array.from({ length: 20 }, (_, seed) => seed)
    expect(seeds.map(names)).toEqual(seeds.map(names))
    expect(new Set(seeds.map((seed) => names(seed).join()))).toEqual(
      new Set(['add,limit', 'limit,add']),
    )
  })

  test('names no place unless the answers are asked for', () => {
    const sample = drawSample(files, 4)
    expect(reportSample(sample, false)).toMatchInlineSnapshot(`
      "Functions: which file does each belong to?
         1  add in packages/shop
         2  limit in packages/shop

      Comments: which code does each explain?
         1  Why so.
         2  Adds.

      Files
            packages/shop/src/money/amount.ts
            packages/shop/src/money/limit.ts"
    `)
    expect(reportSample(sample, true)).toMatchInlineSnapshot(`
      "Functions: which file does each belong to?
         1  add in packages/shop  (packages/shop/src/money/amount.ts:2)
         2  limit in packages/shop  (packages/shop/src/money/limit.ts:2)

      Comments: which code does each explain?
         1  Why so.  (packages/shop/src/money/limit.ts:4)
         2  Adds.  (packages/shop/src/money/amount.ts:1)

      Files
            packages/shop/src/money/amount.ts
            packages/shop/src/money/limit.ts"
    `)
  })
})
