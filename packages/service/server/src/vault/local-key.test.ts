import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { localKey } from './local-key.ts'
import { createSealingKey, type SecretBinding } from './sealed-secret.ts'

const binding: SecretBinding = { name: 'cdp', version: 1, purpose: 'wallet' }
const folders: string[] = []

function createFilePath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-key-'))
  folders.push(folder)
  return join(folder, 'bursar.key')
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function readCode(answer: Promise<unknown>): Promise<unknown> {
  return answer.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  )
}

test('the first wrap creates the key, readable by its owner only', async () => {
  const path = createFilePath()
  const key = localKey({ path })
  const dataKey = createSealingKey()
  expect(await key.owns('local:0')).toBe(false)
  expect(readdirSync(folders[0] ?? '')).toEqual([])
  const { keyId, wrapped } = await key.wrap(dataKey, binding)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(folders[0] ?? '')).toEqual(['bursar.key'])
  const later = localKey({ path })
  expect(await later.owns(keyId)).toBe(true)
  expect(await later.unwrap(wrapped, binding)).toEqual(dataKey)
  expect(keyId).toMatch(/^local:[0-9a-f]{32}$/)
  const text = readFileSync(path, 'utf8').trim()
  expect(inspect([key, keyId, wrapped.toString('base64')], { depth: 9 })).not.toContain(text)
})

test('processes that create the key at once share one key', async () => {
  const path = createFilePath()
  const wraps = Array.from({ length: 8 }, () =>
    localKey({ path }).wrap(createSealingKey(), binding),
  )
  const ids = (await Promise.all(wraps)).map(({ keyId }) => keyId)
  expect(new Set(ids).size).toBe(1)
  expect(readdirSync(folders[0] ?? '')).toEqual(['bursar.key'])
})

test.each([0o640, 0o604, 0o620, 0o666, 0o777])('mode %o is refused', async (mode) => {
  const path = createFilePath()
  const key = localKey({ path })
  const { keyId, wrapped } = await key.wrap(createSealingKey(), binding)
  chmodSync(path, mode)
  expect(await readCode(key.unwrap(wrapped, binding))).toBe('key_file_exposed')
  expect(await readCode(key.wrap(createSealingKey(), binding))).toBe('key_file_exposed')
  expect(await readCode(key.owns(keyId))).toBe('key_file_exposed')
  chmodSync(path, 0o400)
  expect(await readCode(key.unwrap(wrapped, binding))).toBe('done')
})

test('keys of two files do not unwrap each other’s data keys', async () => {
  const [one, other] = [localKey({ path: createFilePath() }), localKey({ path: createFilePath() })]
  const { keyId, wrapped } = await one.wrap(createSealingKey(), binding)
  await other.wrap(createSealingKey(), binding)
  expect(await other.owns(keyId)).toBe(false)
  expect(await readCode(other.unwrap(wrapped, binding))).toBe('secret_unreadable')
})

test.each(['', 'short', 'A'.repeat(44), `${'A'.repeat(43)}= and more`, 'x'.repeat(100_000)])(
  'a file without a key is refused, kept, and not quoted',
  async (content) => {
    const path = createFilePath()
    writeFileSync(path, content, { mode: 0o600 })
    const error = await localKey({ path })
      .wrap(createSealingKey(), binding)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'wrapping_key_unavailable' })
    if (content !== '') expect(inspect(error)).not.toContain(content)
    expect(readFileSync(path, 'utf8')).toBe(content)
  },
)

test('a named pipe is refused at once', async () => {
  const path = createFilePath()
  execFileSync('mkfifo', ['-m', '600', path])
  expect(await readCode(localKey({ path }).unwrap(Buffer.alloc(60), binding))).toBe(
    'wrapping_key_unavailable',
  )
})

test('a missing key is unavailable, and an invalid path is refused', async () => {
  const away = localKey({ path: join(createFilePath(), 'missing', 'bursar.key') })
  expect(await readCode(away.unwrap(Buffer.alloc(60), binding))).toBe('wrapping_key_unavailable')
  expect(await readCode(away.wrap(createSealingKey(), binding))).toBe('wrapping_key_unavailable')
  const problem = expect.objectContaining({ code: 'invalid_input' })
  for (const path of ['', 'a\0b', 7 as unknown as string]) {
    expect(() => localKey({ path })).toThrow(problem)
  }
})
