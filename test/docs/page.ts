import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../check/command.ts'
import { repositoryFiles } from '../house/repository-files.ts'

/** A page in Markdown. */
export interface Page {
  /** Its path from the root of the repository. */
  readonly path: string
  readonly text: string
}

/** A fenced block of a page. */
export interface Fence {
  readonly page: string
  /** Of the line that opens it, from 1. */
  readonly line: number
  readonly language: string
  /** Where its text is taken from, as `<!-- source: … -->` before it says. */
  readonly source: string | undefined
  readonly text: string
}

/** Every page of the repository. */
export function pages(): readonly Page[] {
  return repositoryFiles('*.md').map((path) => ({
    path,
    text: readFileSync(join(root, path), 'utf8'),
  }))
}

/** The fenced blocks of a page, in their order. */
export function fencesOf({ path, text }: Page): readonly Fence[] {
  const lines = text.split('\n')
  const fences: Fence[] = []
  let opened: number | undefined
  lines.forEach((line, index) => {
    if (!line.startsWith('```')) return
    if (opened === undefined) {
      opened = index
      return
    }
    fences.push({
      page: path,
      line: opened + 1,
      language: (lines[opened] ?? '').slice(3).trim(),
      source: sourceBefore(lines, opened),
      text: lines.slice(opened + 1, index).join('\n'),
    })
    opened = undefined
  })
  if (opened !== undefined) throw new Error(`${path}: the fence of line ${opened + 1} has no end.`)
  return fences
}

function sourceBefore(lines: readonly string[], index: number): string | undefined {
  const before = lines.slice(0, index).findLast((line) => line.trim() !== '')
  return /^<!-- source: (\S+) -->$/.exec(before ?? '')?.[1]
}

/** Where the links of a page lead, but for those that leave the repository. */
export function linksOf({ text }: Page): readonly string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^[a-z]+:/.test(link))
}

/** The names that headings of a page can be linked by, as GitHub makes them. */
export function anchorsOf({ text }: Page): readonly string[] {
  const headings = text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm)
  return [...headings].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  )
}

/** The first column of the table whose header begins with `name`, with the marks of code removed. */
export function firstColumn({ path, text }: Page, name: string): readonly string[] {
  const lines = text.split('\n')
  const header = lines.findIndex((line) => line.startsWith(`| ${name} |`))
  if (header < 0) throw new Error(`${path}: there is no table of ${name}.`)
  const rows = lines.slice(header + 2)
  const end = rows.findIndex((line) => !line.startsWith('|'))
  return (end < 0 ? rows : rows.slice(0, end)).map((line) =>
    (line.split('|')[1] ?? '').replaceAll('`', '').trim(),
  )
}
