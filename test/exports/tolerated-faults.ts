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
    examples: 51,
    'packages/adapters/ai-sdk': 4,
    'packages/adapters/langchain': 9,
    'packages/adapters/mastra': 9,
    'packages/adapters/mcp': 26,
    'packages/core': 301,
    'packages/policies/cedar': 3,
    'packages/rails/x402': 11,
    'packages/sandbox': 18,
    'packages/service/client': 9,
    'packages/service/server': 101,
    'packages/wallets/cdp': 5,
    'packages/wallets/privy': 10,
    'packages/wallets/viem': 1,
    test: 110,
  },
  undocumented: {
    'packages/core': 13,
    'packages/service/server': 2,
  },
  withoutExample: {
    'packages/adapters/langchain': 1,
    'packages/adapters/mastra': 2,
    'packages/adapters/mcp': 4,
    'packages/core': 77,
    'packages/policies/cedar': 1,
    'packages/rails/x402': 1,
    'packages/sandbox': 5,
    'packages/service/client': 3,
    'packages/service/server': 8,
    'packages/wallets/cdp': 3,
    'packages/wallets/privy': 2,
    'packages/wallets/viem': 1,
  },
  undocumentedOption: {
    'packages/core': 6,
    'packages/wallets/cdp': 1,
    'packages/wallets/viem': 1,
  },
}
