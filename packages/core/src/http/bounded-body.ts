import type { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

/** A body's first allocation: most answers fit, and a hostile content-length reserves nothing. */
const FIRST_ALLOCATION_BYTES = 16_384

/**
 * How much longer than its bound an encoded body may be: what the streams read ahead of the
 * decoder, and the few bytes that an honest encoding adds where it does not shrink. Only a body
 * that decodes to next to nothing, without end, goes beyond.
 */
const ENCODED_SLACK_BYTES = 1_048_576

/** A body within its bound, and how it ended. */
export interface BoundedBody {
  readonly body: Uint8Array
  readonly truncated: boolean
  readonly broken: boolean
}

/**
 * Reads and decodes a body, keeping no more than `maxBytes` of it beside the chunk at hand.
 *
 * Knows gzip, deflate and br, one of them at most; any other `content-encoding` is broken from the
 * start. Never throws: what was decoded before the body broke is returned. The source is destroyed.
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
 * One buffer that doubles up to the bound. A list of chunks would cost a hundred times the body, if
 * the peer sent it byte by byte.
 */
function growingBytes(maxBytes: number): {
  add(chunk: Uint8Array): boolean
  bytes(): Uint8Array
} {
  let buffer = new Uint8Array(Math.min(FIRST_ALLOCATION_BYTES, maxBytes))
  let size = 0
  return {
    /** False when the chunk went over the bound, and was cut there. */
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
  // Nothing at all is whole: the answer to HEAD names the encoding that a GET would have.
  if (first.done) return
  const all = async function* () {
    yield first.value
    yield* chunks
  }
  // The callback has nothing to do: whatever breaks also breaks the decoder.
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
