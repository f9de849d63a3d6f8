import { type Random, seeded } from '../sim/random.ts'
import type { Excerpt, SourceFile } from './source-file.ts'

/** The number of functions in a sample. */
const FUNCTIONS = 25
const COMMENTS = 40

/** Functions and comments for a newcomer to place, and the files to choose from. */
export interface Sample {
  readonly functions: readonly Excerpt[]
  readonly comments: readonly Excerpt[]
  readonly paths: readonly string[]
}

/** Draws functions and comments from source files. The seed alone decides which. */
export function drawSample(files: readonly SourceFile[], seed: number): Sample {
  const random = seeded(seed)
  const comments = files
    .flatMap((file) => file.comments)
    // Code and marks for tools would be recognised by their looks.
    .map((comment) => ({ ...comment, text: comment.text.replace(/\s*@example[\s\S]*/, '') }))
    .filter(({ text }) => text !== '' && !/^(biome-ignore|v8 ignore|#(end)?region)/.test(text))
  return {
    functions: draw(
      random,
      files.flatMap((file) => file.functions),
      FUNCTIONS,
    ),
    comments: draw(random, comments, COMMENTS),
    paths: files.map(({ path }) => path),
  }
}

/**
 * Returns a sample in lines for people, with the place of each excerpt if `answers` is true.
 *
 * A function stands with its package, which its reader knows from the import or the stack trace.
 */
export function reportSample({ functions, comments, paths }: Sample, answers: boolean): string {
  const lines = (excerpts: readonly Excerpt[]) =>
    excerpts.map(({ text, path, line }, index) => {
      const place = answers ? `  (${path}:${line})` : ''
      return `${String(index + 1).padStart(4)}  ${text.replace(/\s+/g, ' ')}${place}`
    })
  const named = functions.map((excerpt) => ({
    ...excerpt,
    text: `${excerpt.text} in ${excerpt.path.replace(/\/src\/.*/, '')}`,
  }))
  return [
    'Functions: which file does each belong to?',
    ...lines(named),
    '',
    'Comments: which code does each explain?',
    ...lines(comments),
    '',
    'Files',
    ...paths.map((path) => `      ${path}`),
  ].join('\n')
}

function draw(random: Random, excerpts: readonly Excerpt[], count: number): readonly Excerpt[] {
  const left = [...excerpts]
  const size = Math.min(count, left.length)
  return Array.from({ length: size }, () => {
    return left.splice(random.between(0, left.length - 1), 1)
  }).flat()
}
