import { expect, test } from 'vitest'
import { packTexts } from './packed-texts.ts'

test('each packed text is at its start and of its length, in bytes', () => {
  const texts = ['{"a":"ä"}', '', '🙂', 'plain']
  const [starts, lengths, bytes] = packTexts(texts)
  const read = starts.map((start, index) =>
    bytes.subarray(start - 1, start - 1 + (lengths[index] ?? 0)).toString(),
  )
  expect(read).toEqual(texts)
  expect(packTexts([])).toEqual([[], [], Buffer.alloc(0)])
})
