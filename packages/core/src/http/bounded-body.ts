import { type Duplex, pipeline, type Readable } from 'node:stream'
import zlib from 'node:zlib'

/** The first allocation for a body: most bodies fit, and a hostile content-length reserves no memory. */
const FIRST_ALLOCATION_BYTES = 16_384

/**
 * The most encoded bytes above the bound of the decoded body: the bytes that streams read ahead of a
 * decoder, and those that an honest encoding adds. Only a body that decodes to almost no bytes needs more.
 */
const ENCODED_SLACK_BYTES = 1_048_576

/** The most codings that are decoded one after the other. An honest server uses one, a proxy adds one. */
const MAX_CODINGS = 4

/** The largest window of zstd, as a power of two: 8 MiB, which RFC 9659 sets for HTTP. */
const ZSTD_WINDOW_LOG = 23

/** A body within its bound, and how it ended. */
export interface BoundedBody {
  /** The decoded bytes, at most `maxBytes` of them. */
  readonly body: Uint8Array
  /** True if the decoded body was longer than the bound and was cut there. */
  readonly truncated: boolean
  /** True if the body could not be read or decoded to its end. */
  readonly broken: boolean
  /** The `content-encoding` that `body` still has, because one of its codings is not known. */
  readonly encoding?: string
}

/**
 * Reads and decodes a body, and keeps at most `maxBytes` of it and the chunk at hand.
 *
 * Decodes gzip, deflate, br and zstd, also several of them. `identity`, `none` and `utf-8` change no bytes.
 * Returns the bytes as they came if another coding is among them. Never throws: a body that breaks returns
 * the bytes that were decoded before. Destroys the source.
 */
export async function boundedBody(
  source: Readable,
  contentEncoding: string | undefined,
  maxBytes: number,
): Promise<BoundedBody> {
  // The source can break before it is read and after it is destroyed: an error without a listener would
  // end the process.
  source.on('error', () => {})
  const codings = readBodyCodings(contentEncoding)
  const decoders = createBodyDecoders(codings)
  const named = decoders ? {} : { encoding: codings.join(', ') }
  const collected = createGrowingBody(maxBytes)
  try {
    for await (const chunk of decodeBodyChunks(source, decoders ?? [], maxBytes)) {
      if (!collected.add(chunk)) {
        return { body: collected.bytes(), truncated: true, broken: false, ...named }
      }
    }
    return { body: collected.bytes(), truncated: false, broken: false, ...named }
  } catch {
    return { body: collected.bytes(), truncated: false, broken: true, ...named }
  } finally {
    source.destroy()
  }
}

/**
 * Makes a buffer that doubles up to the bound. A list of chunks would take a hundred times the memory of a
 * body that arrives byte by byte.
 */
function createGrowingBody(maxBytes: number): {
  add(chunk: Uint8Array): boolean
  bytes(): Uint8Array
} {
  let buffer = new Uint8Array(Math.min(FIRST_ALLOCATION_BYTES, maxBytes))
  let size = 0
  return {
    /** Appends a chunk. Returns false if the chunk went over the bound, and was cut there. */
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

/** Lists the codings of a body in the order in which they were applied, without those that change no bytes. */
function readBodyCodings(contentEncoding = ''): readonly string[] {
  return contentEncoding
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => !plainCodings.has(coding))
}

/** Values of `content-encoding` that leave the bytes as they are. The last two are common mistakes. */
const plainCodings: ReadonlySet<string> = new Set(['', 'identity', 'none', 'utf-8'])

/** Makes the decoders in the order of decoding. Returns undefined if a coding is not known, or too many. */
function createBodyDecoders(codings: readonly string[]): readonly Duplex[] | undefined {
  if (codings.length > MAX_CODINGS) return undefined
  const makers = codings.toReversed().map(findBodyDecoder)
  return makers.every((make) => make !== undefined) ? makers.map((make) => make()) : undefined
}

function findBodyDecoder(coding: string): (() => Duplex) | undefined {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip
    case 'deflate':
      return zlib.createInflate
    case 'br':
      return zlib.createBrotliDecompress
    case 'zstd':
      // The oldest supported runtimes lack zstd.
      return zlib.createZstdDecompress && (() => zlib.createZstdDecompress(zstdOptions))
    default:
      return undefined
  }
}

const zstdOptions: zlib.ZstdOptions = {
  params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
}

async function* decodeBodyChunks(
  source: Readable,
  decoders: readonly Duplex[],
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const last = decoders.at(-1)
  if (!last) return yield* source
  const maxEncodedBytes = maxBytes + ENCODED_SLACK_BYTES
  const chunks = boundChunks(source, maxEncodedBytes)
  const first = await chunks.next()
  // An empty body is whole: the answer to HEAD names the coding that a GET would have.
  if (first.done) return
  const all = async function* () {
    yield first.value
    yield* chunks
  }
  // Each layer is bounded, or a small body could decode to gigabytes of another encoded body.
  const bound = (encoded: AsyncIterable<Uint8Array>) => boundChunks(encoded, maxEncodedBytes)
  const layers = decoders.flatMap((decoder, index) => (index === 0 ? [decoder] : [bound, decoder]))
  // The callback of the pipeline does nothing: an error of any decoder also breaks the last one, which is read below.
  pipeline([all, ...layers] as unknown as readonly Duplex[], () => {})
  yield* last
}

/** Passes chunks on, and throws once they are longer than `maxBytes` together. */
async function* boundChunks(
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
