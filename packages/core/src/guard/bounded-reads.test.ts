import { expect, test } from 'vitest'
import { createBoundedReads } from './bounded-reads.ts'

test('all who wait for a name share its next read, and the one under way is not theirs', async () => {
  const reads = createBoundedReads()
  const gates = [Promise.withResolvers<number>(), Promise.withResolvers<number>()]
  let begun = 0
  const read = () => reads.run('a', false, () => gates[begun++]?.promise ?? Promise.resolve(0))
  const first = read()
  const others = [read(), read(), read()]
  expect(begun).toBe(1)
  gates[0]?.resolve(1)
  expect(await first).toBe(1)
  gates[1]?.resolve(2)
  expect(await Promise.all(others)).toEqual([2, 2, 2])
  expect(begun).toBe(2)
})

test('a read that fails fails its own callers alone, and makes room', async () => {
  const reads = createBoundedReads()
  for (let time = 0; time < 20; time += 1) {
    const failing = reads.run('a', false, () => Promise.reject(new Error('down')))
    await expect(failing).rejects.toThrow('down')
  }
  expect(await reads.run('a', false, async () => 7)).toBe(7)
})
