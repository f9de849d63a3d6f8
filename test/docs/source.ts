import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../check/command.ts'

/**
 * Checks that `text` is what `source` names. `file#region` names the whole region of the file between
 * `// #region name` and its `// #endregion`, `file#one+two` two regions with an empty line between
 * them, and `file` alone any adjacent lines.
 */
export function isTakenFrom(text: string, source: string): boolean {
  const [file = '', names] = source.split('#')
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  if (names !== undefined) {
    const regions = names.split('+').map((name) => regionOf(lines, name))
    return !regions.includes(undefined) && regions.join('\n\n') === text
  }
  const length = text.split('\n').length
  return lines.some((_line, start) => dedent(lines.slice(start, start + length)) === text)
}

/** Returns the lines of a region without its inner marks, or `undefined` if there is no such region. */
function regionOf(lines: readonly string[], name: string): string | undefined {
  const start = lines.findIndex((line) => line.trim() === `// #region ${name}`)
  if (start < 0) return undefined
  let depth = 1
  const inside: string[] = []
  for (const line of lines.slice(start + 1)) {
    const mark = /^\s*\/\/ #(region|endregion)\b/.exec(line)?.[1]
    if (mark === 'region') depth += 1
    else if (mark === 'endregion') depth -= 1
    else inside.push(line)
    if (depth === 0) return dedent(inside).replace(/^\n+|\n+$/g, '')
  }
  return undefined
}

function dedent(lines: readonly string[]): string {
  const indents = lines
    .filter((line) => line.trim() !== '')
    .map((line) => line.length - line.trimStart().length)
  const indent = indents.length === 0 ? 0 : Math.min(...indents)
  return lines.map((line) => line.slice(indent)).join('\n')
}
