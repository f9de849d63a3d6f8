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
  /** The number of the line that opens it, from 1. */
  readonly line: number
  readonly language: string
  /** The source of its text, as the comment `<!-- source: … -->` before it names it. */
  readonly source: string | undefined
  readonly text: string
}

/** Returns every page of the repository. */
export function pages(): readonly Page[] {
  return repositoryFiles('*.md').map((path) => ({
    path,
    text: readFileSync(join(root, path), 'utf8'),
  }))
}

/** Returns the fenced blocks of a page, in their order. */
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

/** Returns the targets of a page's links, without those that leave the repository. */
export function linksOf({ text }: Page): readonly string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^[a-z]+:/.test(link))
}

/** Returns the shape that a page's front matter names, or `undefined` if there is none. */
export function shapeOf({ text }: Page): string | undefined {
  return /^---\nshape: ([a-z-]+)\n---\n/.exec(text)?.[1]
}

/** Counts the words of a page, its code and front matter included. */
export function wordsOf({ text }: Page): number {
  return text.split(/\s+/).filter((word) => word !== '').length
}

/** Returns the text below a heading of the second level, up to the next one. */
export function sectionOf({ path, text }: Page, heading: string): string {
  const section = text.split(/^## /m).find((one) => one.startsWith(`${heading}\n`))
  if (section === undefined) throw new Error(`${path}: there is no heading ${heading}.`)
  return section
}

/** Returns the anchors of a page's headings, as GitHub makes them. */
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

/** Returns the first column of the table whose header begins with `name`, without marks of code. */
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
