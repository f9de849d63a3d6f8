import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BursarError } from '@bursar/core'
import { resolveConfigPath } from './config-path.ts'
import { KEY_BYTES, unwrapDataKey, wrapDataKey } from './sealed-secret.ts'
import type { WrappingKey } from './wrapping-key.ts'

/** What `localKey` takes. */
export interface LocalKeyOptions {
  /**
   * The key's file: 32 random bytes as base64. Made when it first wraps, for its owner alone. Relative to
   * the configuration's folder, as all paths there.
   */
  readonly path: string
}

/** Read and written by its owner, and by nobody else. */
const OWNER_ONLY = 0o600
const ANYBODY_ELSE = 0o077

/** A pipe that nobody writes to would be waited for, with a thread of the whole process. */
const READ_AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK

/** Base64 of the key and a line's end. */
const MAX_FILE_BYTES = 64

/**
 * A wrapping key in a file of this machine. Keep it, and its backup, away from what is sealed: both
 * together are the secrets. A file that anybody but its owner may read is refused.
 *
 * Throws `wrapping_key_unavailable` with the reason, and `key_file_exposed`.
 *
 * @example
 * const vault = sealedVault({ database: 'bursar.vault', keys: [localKey({ path: 'bursar.key' })] })
 */
export function localKey(options: LocalKeyOptions): WrappingKey {
  const { path } = options
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new BursarError('invalid_input', 'localKey: path: must be the path of a file.')
  }
  const file = resolveConfigPath(path)
  return {
    async owns(keyId) {
      const key = await readKey(file).catch(ignoreMissingFile)
      if (!key) return false
      return useAndOverwrite(key, async () => computeKeyId(key) === keyId)
    },
    async wrap(dataKey, binding) {
      const key = (await readKey(file).catch(ignoreMissingFile)) ?? (await createKey(file))
      return useAndOverwrite(key, async () => {
        return { keyId: computeKeyId(key), wrapped: wrapDataKey(key, binding, dataKey) }
      })
    },
    async unwrap(wrapped, binding) {
      const key = await readKey(file)
      return useAndOverwrite(key, async () => unwrapDataKey(key, binding, wrapped))
    },
  }
}

/** A part of the hash of 256 random bits: it tells keys apart, and says nothing about them. */
function computeKeyId(key: Buffer): string {
  const hash = createHash('sha256').update('bursar/wrapping-key/1').update(key).digest('hex')
  return `local:${hash.slice(0, 32)}`
}

async function useAndOverwrite<Result>(key: Buffer, use: () => Promise<Result>): Promise<Result> {
  try {
    return await use()
  } finally {
    key.fill(0)
  }
}

/** What is read is what was looked at: by one handle, whatever happens to the path. */
async function readKey(file: string): Promise<Buffer> {
  const handle = await open(file, READ_AT_ONCE).catch((error: unknown) => {
    throw keyUnavailableError(file, readErrorCode(error), error)
  })
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw keyUnavailableError(file, 'it is no file')
    const { mode, size } = stats
    if ((mode & ANYBODY_ELSE) !== 0) {
      const message = `The key ${file} can be read by others. Change its mode to 600, and the key.`
      throw new BursarError('key_file_exposed', message)
    }
    return await decodeKey(file, handle, size)
  } finally {
    await handle.close()
  }
}

async function decodeKey(file: string, handle: FileHandle, size: number): Promise<Buffer> {
  if (size > MAX_FILE_BYTES) throw keyUnavailableError(file, 'it is no key')
  const bytes = await handle.readFile()
  const text = bytes.toString('latin1').replace(/\r?\n$/, '')
  bytes.fill(0)
  const key = Buffer.from(text, 'base64')
  if (key.length === KEY_BYTES && key.toString('base64') === text) return key
  key.fill(0)
  throw keyUnavailableError(file, 'it is no key')
}

/** Makes the key. Whole or not at all: whoever comes second, or in between, finds the first one's. */
async function createKey(file: string): Promise<Buffer> {
  const key = randomBytes(KEY_BYTES)
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await writeNewFile(draft, Buffer.from(`${key.toString('base64')}\n`))
    await link(draft, file)
    await syncFolder(dirname(file))
    return key
  } catch (error) {
    key.fill(0)
    if (readErrorCode(error) === 'EEXIST') return await readKey(file)
    throw keyUnavailableError(file, readErrorCode(error), error)
  } finally {
    await rm(draft, { force: true })
  }
}

async function writeNewFile(file: string, content: Buffer): Promise<void> {
  const handle = await open(file, 'wx', OWNER_ONLY)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    content.fill(0)
    await handle.close()
  }
}

async function syncFolder(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Nothing there is an answer; anything else that is wrong with the file is not. */
function ignoreMissingFile(error: unknown): undefined {
  if (BursarError.isInstance(error) && readErrorCode(error.cause) === 'ENOENT') return undefined
  throw error
}

function keyUnavailableError(file: string, reason: string, cause?: unknown): BursarError {
  const message = `The key ${file} cannot be used: ${reason}.`
  return new BursarError('wrapping_key_unavailable', message, { cause })
}

function readErrorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'it cannot be read'
}
