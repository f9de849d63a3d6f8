import type { Comment } from 'oxc-parser'

/** A comment without its marks. */
export interface CommentText {
  readonly text: string
  /** The offset where its first mark begins. */
  readonly start: number
}

/** Takes the marks off every comment of a file, and joins lines of `//` that stand below each other. */
export function joinComments(comments: readonly Comment[], source: string): readonly CommentText[] {
  const joined: { text: string; start: number; end: number; type: Comment['type'] }[] = []
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
      joined.push({ text, start, end, type })
    }
  }
  return joined
}
