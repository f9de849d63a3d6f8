import type { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

/**
 * The bytes allocated first for a body. Most bodies fit, and a hostile `content-length` cannot
 * raise the number.
 */
const FIRST_ALLOCATION_BYTES = 16_384

/**
 * The bytes by which an encoded body may exceed the bound on the decoded body. They cover stream
 * read-ahead and the overhead of encoding incompressible data. Only an endless body that decodes to
 * almost nothing exceeds them.
 */
const ENCODED_SLACK_BYTES = 1_048_576

/** A body read within its bound, and how reading ended. */
export interface BoundedBody {
  /** The decoded bytes, at most `maxBytes` of them. */
  readonly body: Uint8Array
  /** True if the decoded body was longer than the bound and was cut there. */
  readonly truncated: boolean
  /** True if the body could not be read or decoded to its end. */
  readonly broken: boolean
}

/**
 * Reads and decodes a body, and buffers at most `maxBytes` of it plus the current chunk.
 *
 * Decodes a single gzip, deflate or br encoding; any other `content-encoding` gives a broken, empty
 * body. Never throws: a read error ends the body with `broken`, and the bytes decoded so far are
 * returned. Destroys the source in every case.
 */
export async function boundedBody(
  source: Readable,
  encoding: string | undefined,
  maxBytes: number,
): Promise<BoundedBody> {
  // The source can break before it is read, and as it is destroyed: an error that no listener hears
  // would end the process.
  source.on('error', () => {})
  const collected = growingBytes(maxBytes)
  try {
    for await (const chunk of decoded(source, encoding, maxBytes)) {
      if (!collected.add(chunk)) return { body: collected.bytes(), truncated: true, broken: false }
    }
    return { body: collected.bytes(), truncated: false, broken: false }
  } catch {
    return { body: collected.bytes(), truncated: false, broken: true }
  } finally {
    source.destroy()
  }
}

/**
 * Returns a buffer that doubles its size up to the bound. A list of chunks would take a hundred times
 * the memory of the body if the peer sent single bytes.
 */
function growingBytes(maxBytes: number): {
  add(chunk: Uint8Array): boolean
  bytes(): Uint8Array
} {
  let buffer = new Uint8Array(Math.min(FIRST_ALLOCATION_BYTES, maxBytes))
  let size = 0
  return {
    /** Adds a chunk. Returns false if the chunk exceeded the bound and was cut there. */
    add(chunk) {
      const kept = chunk.subarray(0, maxBytes - size)
      if (size + kept.length > buffer.length) {
        const grown = new Uint8Array(
          Math.min(maxBytes, Math.max(buffer.length * 2, size + kept.length)),
        )
        grown.set(buffer.subarray(0, size))
        buffer = grown
      }
      buffer.set(kept, size)
      size += kept.length
      return kept.length === chunk.length
    },
    bytes: () => buffer.slice(0, size),
  }
}

async function* decoded(
  source: Readable,
  encoding: string | undefined,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const name = encoding?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity') return yield* source
  const decoder = decoderFor(name)
  if (decoder === undefined) throw new Error('The content-encoding is not known.')
  const chunks = bounded(source, maxBytes + ENCODED_SLACK_BYTES)
  const first = await chunks.next()
  // An empty body is complete: a response to HEAD names the encoding that a GET would have.
  if (first.done) return
  const all = async function* () {
    yield first.value
    yield* chunks
  }
  // The callback is empty because every pipeline error also destroys the decoder read below.
  pipeline(all, decoder, () => {})
  yield* decoder
}

async function* bounded(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > maxBytes) throw new Error('The encoded body is longer than the bound.')
    yield chunk
  }
}

function decoderFor(name: string): Transform | undefined {
  switch (name) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    case 'br':
      return createBrotliDecompress()
    default:
      return undefined
  }
}
