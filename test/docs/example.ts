import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../check/command.ts'
import { pages } from './page.ts'

/** Lists the examples that a page says how to run, without the one that a reader makes. */
export function examples(): readonly string[] {
  const named = pages().flatMap(({ text }) =>
    [...text.matchAll(/pnpm@12 exec node (examples\/\S+\.ts)/g)].map((match) => match[1] ?? ''),
  )
  return [...new Set(named)].filter((path) => existsSync(join(root, path))).toSorted()
}
