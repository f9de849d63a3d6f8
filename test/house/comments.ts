import type { Comment } from 'oxc-parser'

/** A comment without its marks. */
export interface CommentText {
  readonly text: string
  /** Whether the comment begins with two stars, and so belongs to the declaration below it. */
  readonly doc: boolean
  /** The offsets of the comment's marks. */
  readonly start: number
  readonly end: number
}

/** Takes the marks off every comment of a file, and joins lines of `//` that stand below each other. */
export function joinComments(comments: readonly Comment[], source: string): readonly CommentText[] {
  const joined: (CommentText & { text: string; end: number; type: Comment['type'] })[] = []
  for (const { type, value, start, end } of comments) {
    const text = value
      .replace(/^\*/, '')
      .replace(/^\s*\* ?/gm, '')
      .trim()
    const last = joined.at(-1)
    if (last?.type === 'Line' && type === 'Line' && /^\n *$/.test(source.slice(last.end, start))) {
      last.text += `\n${text}`
      last.end = end
    } else {
      joined.push({ text, doc: value.startsWith('*'), start, end, type })
    }
  }
  return joined
}
