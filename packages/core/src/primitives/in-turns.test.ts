import { expect, test } from 'vitest'
import { inTurns } from './in-turns.ts'

test('runs no more rows at the same time than it may, and keeps the order of their results', async () => {
  let running = 0
  let most = 0
  const doubled = await inTurns([1, 2, 3, 4, 5], 2, async (row) => {
    running += 1
    most = Math.max(most, running)
    // The first row of each batch ends last.
    for (let turn = row % 2; turn >= 0; turn -= 1) await Promise.resolve()
    running -= 1
    return row * 2
  })
  expect(doubled).toEqual([2, 4, 6, 8, 10])
  expect(most).toBe(2)
})

test('starts no batch after one that failed', async () => {
  const started: number[] = []
  const work = inTurns([1, 2, 3], 1, async (row) => {
    started.push(row)
    if (row === 2) throw new Error('broken')
  })
  await expect(work).rejects.toThrow('broken')
  expect(started).toEqual([1, 2])
})
