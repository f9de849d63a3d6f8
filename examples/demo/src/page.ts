import { styleText } from 'node:util'

/** Nothing that the demo prints is wider. */
const PAGE_WIDTH = 100

/** How a piece of text looks where colours are wanted. */
export type Look = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan'

/** Writes lines that are no wider than the page. */
export interface Page {
  line(text?: string, look?: Look): void
  /** Cells side by side; a text that is too long goes on in the next line of its own column. */
  row(...cells: readonly Cell[]): void
}

/** One column of a row, with a gap of two before it. */
export interface Cell {
  readonly text: string
  readonly width: number
  readonly look?: Look | undefined
  /** The text is short, and goes to the right as it is. */
  readonly right?: boolean
}

const gap = '  '

/** Figures in a column stand with their points below each other, for as many decimals as this. */
const decimals = 3

/** Makes a page on a stream. Colours are only for a terminal whose user has not said no. */
export function openPage(stream: NodeJS.WriteStream, { silent }: { silent: boolean }): Page {
  const coloured = stream.isTTY === true && !process.env.NO_COLOR
  const paint = (text: string, look: Look | undefined): string =>
    coloured && look && text !== '' ? styleText(look, text, { validateStream: false }) : text
  const write = (text: string): void => {
    if (!silent) stream.write(`${text.trimEnd()}\n`)
  }
  return {
    line(text = '', look) {
      for (const line of wrap(text, PAGE_WIDTH)) write(paint(line, look))
    },
    row(...cells) {
      const columns = cells.map(({ text, width, right }) => (right ? [text] : wrap(text, width)))
      const height = Math.max(...columns.map((lines) => lines.length))
      for (let index = 0; index < height; index += 1) {
        const texts = cells.map(({ width, look, right }, column) => {
          const text = columns[column]?.[index] ?? ''
          return paint(right ? text.padStart(width) : text.padEnd(width), look)
        })
        write(gap + texts.join(gap))
      }
    },
  }
}

/** A cell for a figure, or for what stands in its place. */
export function figure(amount: string, width: number): Cell {
  const [, fraction = ''] = amount.split('.')
  const padding = ' '.repeat(Math.max(0, decimals - fraction.length))
  return { text: amount + padding, width, right: true }
}

/** Breaks a text into lines at blanks; a word that is wider than a line is broken itself. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of printable(text).split(' ')) {
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

/** What a model or a merchant wrote must not be able to move the cursor of who reads it. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim()
}
