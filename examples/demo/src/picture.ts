import { type Line, PAGE_WIDTH, type Span } from './page.ts'

/** The parts of the demo that the picture shows, by their titles, in their order. */
const scenes = [
  'Shops that give orders to the model, which obeys',
  'A shop takes the money, and its answer is lost',
  'The chain has proved it: paid, once',
]

const command: Line = [{ text: '$ pnpm demo', look: 'dim' }]

/** Stands for the parts of the demo that are left out. */
const omission: Line = [{ text: '  ⋮', look: 'dim' }]

const fontSize = 13
const lineHeight = 18
const margin = 24

/** The advance of the widest monospaced font that systems have, in parts of the font's size. */
const advance = 0.62

const style = `
text { font: ${fontSize}px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre; fill: #1f2328 }
rect { fill: #f6f8fa; stroke: #d1d9e0 }
.bold { font-weight: bold }
.dim { fill: #59636e }
.green { fill: #1a7f37 }
.red { fill: #cf222e }
.yellow { fill: #9a6700 }
.cyan { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  rect { fill: #151b23; stroke: #3d444d }
  .dim { fill: #9198a1 }
  .green { fill: #3fb950 }
  .red { fill: #f85149 }
  .yellow { fill: #d29922 }
  .cyan { fill: #58a6ff }
}
`

/**
 * Draws the scenes of a run as an SVG that is legible on light and on dark pages. Throws if the run
 * lacks one of them.
 */
export function drawPicture(run: readonly Line[]): string {
  const parts = partsOf(run)
  const shown = scenes.flatMap((title) => {
    const part = parts.find(([first]) => first && textOf(first) === title)
    if (!part) throw new Error(`The picture needs the part "${title}", which was not printed.`)
    return [[], ...part]
  })
  const lines = [command, [], ...run.slice(0, 1), omission, ...shown, omission, ...run.slice(-1)]
  const width = Math.ceil(PAGE_WIDTH * advance * fontSize) + 2 * margin
  const height = lines.length * lineHeight + 2 * margin
  const texts = lines.flatMap((line, index) =>
    line.length === 0
      ? []
      : [
          `<text x="${margin}" y="${margin + (index + 1) * lineHeight - 5}">${drawLine(line)}</text>`,
        ],
  )
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    '<title>The output of pnpm demo</title>',
    `<style>${style}</style>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...texts,
    '</svg>',
  ].join('\n')}\n`
}

/** Splits a run at its empty lines. */
function partsOf(run: readonly Line[]): readonly (readonly Line[])[] {
  const parts: Line[][] = [[]]
  for (const line of run) {
    if (line.length === 0) parts.push([])
    else parts.at(-1)?.push(line)
  }
  return parts
}

function textOf(line: Line): string {
  return line.map(({ text }) => text).join('')
}

function drawLine(line: Line): string {
  return line.map(drawSpan).join('')
}

function drawSpan({ text, look }: Span): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return look === undefined ? escaped : `<tspan class="${look}">${escaped}</tspan>`
}
