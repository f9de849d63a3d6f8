import { publishedPackages } from '../check/published-package.ts'
import { buildHouse, type House } from './house.ts'
import { roomOrders } from './rooms.ts'
import type { SourceFile } from './source-file.ts'

/** Builds the house of every published package from the source files of all. */
export function buildHouses(sources: readonly SourceFile[]): readonly House[] {
  return publishedPackages().map(({ folder }) => {
    const own = sources.filter(({ path }) => path.startsWith(`${folder}/src/`))
    return buildHouse(folder, own, roomOrders[folder] ?? ['root'])
  })
}
