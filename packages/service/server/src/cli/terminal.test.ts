import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { showTerminalProgress } from './terminal.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Creates a terminal's error stream that collects the texts written to it. */
function createStream(isTTY: boolean): {
  readonly texts: string[]
  readonly error: typeof streamForm
} {
  const texts: string[] = []
  return { texts, error: { isTTY, write: (text: string) => void texts.push(text) } }
}
declare const streamForm: Parameters<typeof showTerminalProgress>[0]['error']

const line = (seconds: number): string => `working, ${seconds} s`

test('long work is shown at once and each second on one line, which is then erased', async () => {
  const { texts, error } = createStream(true)
  const done = await showTerminalProgress({ error }, line, async () => {
    vi.advanceTimersByTime(2_000)
    return 'done'
  })
  vi.advanceTimersByTime(5_000)
  expect(done).toBe('done')
  expect(texts.map((text) => text.replace('\r\u001b[K', '|'))).toEqual([
    '|working, 0 s',
    '|working, 1 s',
    '|working, 2 s',
    '|',
  ])
})

test('the line is taken away from work that fails as well', async () => {
  const { texts, error } = createStream(true)
  const failing = showTerminalProgress({ error }, line, () => Promise.reject(new Error('no')))
  await expect(failing).rejects.toThrow('no')
  expect(texts.at(-1)).toBe('\r\u001b[K')
})

test('where nobody looks, nothing is written', async () => {
  const { texts, error } = createStream(false)
  await showTerminalProgress({ error }, line, async () => void vi.advanceTimersByTime(2_000))
  expect(texts).toEqual([])
})
