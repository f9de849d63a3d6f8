import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../check/command.ts'

/**
 * Whether `text` is what `source` names: with `file#region` the whole region of the file between
 * `// #region name` and its `// #endregion`, with `file` alone some lines of it as they stand there.
 */
export function isTakenFrom(text: string, source: string): boolean {
  const [file = '', region] = source.split('#')
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  if (region !== undefined) return regionOf(lines, region) === text
  const length = text.split('\n').length
  return lines.some((_line, start) => dedent(lines.slice(start, start + length)) === text)
}

/** The lines of a region without its inner marks; `undefined` if there is none of that name. */
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
