import { publishedPackages } from '../check/published-package.ts'

/** A sentence about a text that breaks a rule, and the file where it stands. */
export interface Fault {
  readonly path: string
  readonly sentence: string
}

/** A rule about texts that is not kept everywhere yet. */
export type TextRule = 'opening' | 'undocumented' | 'withoutExample' | 'undocumentedOption'

/** The faults of one rule in a package, or in a folder beside the packages. */
export interface AreaFaults {
  readonly area: string
  readonly count: number
  /** How many faults the rule accepts there. */
  readonly most: number
  readonly sentences: readonly string[]
}

/** Groups the faults of a rule by package, or by the first folder of paths outside of packages. */
export function faultsByArea(rule: TextRule, faults: readonly Fault[]): readonly AreaFaults[] {
  const folders = publishedPackages().map(({ folder }) => folder)
  const areaOf = ({ path }: Fault) =>
    folders.find((folder) => path.startsWith(`${folder}/`)) ?? path.split('/')[0] ?? ''
  return [...Map.groupBy(faults, areaOf)].map(([area, own]) => ({
    area,
    count: own.length,
    most: toleratedFaults[rule][area] ?? 0,
    sentences: own.map(({ sentence }) => sentence),
  }))
}

/** The faults that stand until their texts are mended: a package may have fewer, never more. */
const toleratedFaults: Readonly<Record<TextRule, Readonly<Record<string, number>>>> = {
  opening: {
    'packages/service/server': 101,
  },
  undocumented: {
    'packages/service/server': 2,
  },
  withoutExample: {
    'packages/service/server': 8,
  },
  undocumentedOption: {},
}
