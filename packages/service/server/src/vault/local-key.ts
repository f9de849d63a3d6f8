import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BursarError } from '@bursar/core'
import { resolveConfigPath } from './config-path.ts'
import { KEY_BYTES, unwrapSealingKey, wrapSealingKey } from './sealed-secret.ts'
import type { WrappingKey } from './wrapping-key.ts'

/** The options of `localKey`. */
export interface LocalKeyOptions {
  /**
   * The file of the key: 32 random bytes as base64. The first `wrap` creates the file with mode 600.
   * A relative path starts from the configuration's folder.
   */
  readonly path: string
}

/** The mode of the file, and the bits of group and others, which have to be clear. */
const OWNER_ONLY = 0o600
const ANYBODY_ELSE = 0o077

/** Without O_NONBLOCK, opening a named pipe would block a thread of the pool until a writer comes. */
const READ_AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK

/** The largest file that is read: the base64 of a key and a line break take less. */
const MAX_FILE_BYTES = 64

/**
 * Creates a wrapping key that lives in a file of this machine. Keep the file and its backups apart
 * from the vault: the two together reveal every secret.
 *
 * Throws `invalid_input` if `path` is not a path. Its methods throw `wrapping_key_unavailable` with
 * the reason if the file cannot be used, `key_file_exposed` if others than its owner can read it,
 * and `secret_unreadable` if a data key was not wrapped with this key for the same secret.
 *
 * @example
 * ```ts
 * import { localKey, sealedVault } from 'bursar'
 *
 * const keys = [localKey({ path: 'bursar.key' })]
 * export const vault = sealedVault({ database: 'bursar.vault', keys })
 * ```
 */
export function localKey(options: LocalKeyOptions): WrappingKey {
  const { path } = options
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new BursarError('invalid_input', 'localKey: path: must be the path of a file.')
  }
  const file = resolveConfigPath(path)
  return {
    async owns(keyId) {
      const key = await readLocalKey(file).catch(ignoreMissingKeyFile)
      if (!key) return false
      return useKeyAndOverwrite(key, async () => computeKeyId(key) === keyId)
    },
    async wrap(dataKey, binding) {
      const key =
        (await readLocalKey(file).catch(ignoreMissingKeyFile)) ?? (await createLocalKey(file))
      return useKeyAndOverwrite(key, async () => {
        return { keyId: computeKeyId(key), wrapped: wrapSealingKey(key, binding, dataKey) }
      })
    },
    async unwrap(wrapped, binding) {
      const key = await readLocalKey(file)
      return useKeyAndOverwrite(key, async () => unwrapSealingKey(key, binding, wrapped))
    },
  }
}

/** Computes the id of a key: half of a hash of 256 random bits, which reveals nothing of the key. */
function computeKeyId(key: Buffer): string {
  const hash = createHash('sha256').update('bursar/wrapping-key/1').update(key).digest('hex')
  return `local:${hash.slice(0, 32)}`
}

/** Runs `use` and overwrites the key afterwards, whatever the outcome. */
async function useKeyAndOverwrite<Result>(
  key: Buffer,
  use: () => Promise<Result>,
): Promise<Result> {
  try {
    return await use()
  } finally {
    key.fill(0)
  }
}

/** Reads the key. Checks and reads through one handle, so the file cannot be swapped in between. */
async function readLocalKey(file: string): Promise<Buffer> {
  const handle = await open(file, READ_AT_ONCE).catch((error: unknown) => {
    throw keyUnavailableError(file, readKeyErrorCode(error), error)
  })
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw keyUnavailableError(file, 'it is not a file')
    const { mode, size } = stats
    if ((mode & ANYBODY_ELSE) !== 0) {
      const message = `The key ${file} can be read by others. Run chmod 600 ${file}, and rotate the key.`
      throw new BursarError('key_file_exposed', message)
    }
    return await decodeLocalKey(file, handle, size)
  } finally {
    await handle.close()
  }
}

async function decodeLocalKey(file: string, handle: FileHandle, size: number): Promise<Buffer> {
  if (size > MAX_FILE_BYTES) throw keyUnavailableError(file, 'it is not a key')
  const bytes = await handle.readFile()
  const text = bytes.toString('latin1').replace(/\r?\n$/, '')
  bytes.fill(0)
  const key = Buffer.from(text, 'base64')
  if (key.length === KEY_BYTES && key.toString('base64') === text) return key
  key.fill(0)
  throw keyUnavailableError(file, 'it is not a key')
}

/**
 * Creates the file of the key, whole or not at all, and returns the key. If another process created
 * the file first, returns that process's key.
 */
async function createLocalKey(file: string): Promise<Buffer> {
  const key = randomBytes(KEY_BYTES)
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await writeNewKeyFile(draft, Buffer.from(`${key.toString('base64')}\n`))
    await link(draft, file)
    await syncKeyFolder(dirname(file))
    return key
  } catch (error) {
    key.fill(0)
    if (readKeyErrorCode(error) === 'EEXIST') return await readLocalKey(file)
    throw keyUnavailableError(file, readKeyErrorCode(error), error)
  } finally {
    await rm(draft, { force: true })
  }
}

async function writeNewKeyFile(file: string, content: Buffer): Promise<void> {
  const handle = await open(file, 'wx', OWNER_ONLY)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    content.fill(0)
    await handle.close()
  }
}

async function syncKeyFolder(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Returns undefined if the file does not exist. Throws every other error. */
function ignoreMissingKeyFile(error: unknown): undefined {
  if (BursarError.isInstance(error) && readKeyErrorCode(error.cause) === 'ENOENT') return undefined
  throw error
}

function keyUnavailableError(file: string, reason: string, cause?: unknown): BursarError {
  const message = `The key ${file} cannot be used: ${reason}.`
  return new BursarError('wrapping_key_unavailable', message, { cause })
}

function readKeyErrorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'it cannot be read'
}
