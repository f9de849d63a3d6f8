import { styleText } from 'node:util'

/** The widest line that the demo prints, in characters. */
export const PAGE_WIDTH = 100

/** How a piece of text looks where colours are wanted. */
export type Look = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan'

/** A piece of a line in one look. */
export interface Span {
  readonly text: string
  readonly look?: Look | undefined
}

/** A printed line, without blanks at its end. */
export type Line = readonly Span[]

/** Writes lines that are no wider than the page. */
export interface Page {
  line(text?: string, look?: Look): void
  /** Prints cells side by side; a text that is too long goes on in the next line of its column. */
  row(...cells: readonly Cell[]): void
}

/** One column of a row, with a gap of two before it. */
export interface Cell {
  readonly text: string
  readonly width: number
  readonly look?: Look | undefined
  /** The text is short, and stands at the right of the column. */
  readonly right?: boolean
}

const gap = '  '

/** The decimals that figures of one column leave room for, so that their points are aligned. */
const decimals = 3

/** Makes a page that hands each of its lines to `print`. */
export function openPage(print: (line: Line) => void): Page {
  return {
    line(text = '', look) {
      for (const line of wrapText(text, PAGE_WIDTH)) print(withoutEnd([{ text: line, look }]))
    },
    row(...cells) {
      const columns = cells.map(({ text, width, right }) =>
        right ? [text] : wrapText(text, width),
      )
      const height = Math.max(...columns.map((lines) => lines.length))
      for (let index = 0; index < height; index += 1) {
        const spans = cells.flatMap(({ width, look, right }, column): Span[] => {
          const text = columns[column]?.[index] ?? ''
          return [{ text: gap }, { text: right ? text.padStart(width) : text.padEnd(width), look }]
        })
        print(withoutEnd(spans))
      }
    },
  }
}

/** Returns a printer for a stream. It prints colours only on a terminal without `NO_COLOR`. */
export function streamPrinter(stream: NodeJS.WriteStream): (line: Line) => void {
  const coloured = stream.isTTY === true && !process.env.NO_COLOR
  const paint = ({ text, look }: Span): string =>
    coloured && look ? styleText(look, text, { validateStream: false }) : text
  return (line) => {
    stream.write(`${line.map(paint).join('')}\n`)
  }
}

/** Makes a cell for a figure, or for a dash in its place. */
export function figureCell(amount: string, width: number): Cell {
  const [, fraction = ''] = amount.split('.')
  const padding = ' '.repeat(Math.max(0, decimals - fraction.length))
  return { text: amount + padding, width, right: true }
}

/** Breaks a text into lines at blanks; a word that is wider than a line is broken itself. */
function wrapText(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of stripControls(text).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length <= width) {
      line = longer
      continue
    }
    if (line !== '') lines.push(line)
    const pieces = word.match(new RegExp(`.{1,${width}}`, 'g')) ?? ['']
    lines.push(...pieces.slice(0, -1))
    line = pieces.at(-1) ?? ''
  }
  return [...lines, line]
}

/** Takes the blanks from the end of a line. */
function withoutEnd(spans: Line): Line {
  const end = spans.findLastIndex(({ text }) => text.trim() !== '')
  return spans
    .slice(0, end + 1)
    .map((span, index) => (index === end ? { ...span, text: span.text.trimEnd() } : span))
}

/** Replaces control characters, so that a model or a merchant cannot move the reader's cursor. */
export function stripControls(text: string): string {
  return text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim()
}
