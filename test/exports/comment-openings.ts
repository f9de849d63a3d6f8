import type { SourceFile } from '../house/source-file.ts'

/** The words that name no subject, with which a doc comment must not begin. */
const riddle = /^(What|Who|Whose|Whoever|Nobody|Nothing|None|In what|The same)\b/

/** Returns a sentence for each doc comment that begins with a word that names no subject. */
export function riddlesIn({ comments }: SourceFile): readonly string[] {
  return comments
    .filter(({ doc, text }) => doc && riddle.test(text))
    .map(({ path, line, text }) => `${path}:${line} ${text.split('\n')[0]}`)
}
