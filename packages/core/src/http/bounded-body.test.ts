import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  brotliCompressSync,
  constants,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { boundedBody } from './bounded-body.ts'

const text = 'one two three '.repeat(100)
const plain = Buffer.from(text)

function source(...chunks: readonly Uint8Array[]): Readable {
  return Readable.from(chunks, { objectMode: false })
}

/** Creates an endless stream that counts the chunks taken from it. */
function endless(chunk: Uint8Array): { readonly stream: Readable; readonly taken: () => number } {
  let taken = 0
  const chunks = (function* () {
    for (;;) {
      taken += 1
      yield chunk
    }
  })()
  return { stream: Readable.from(chunks, { objectMode: false }), taken: () => taken }
}

test('a source that breaks as it is destroyed ends the read alone, whatever its coding', async () => {
  for (const coding of ['zstd', 'gzip, br', 'gzip', undefined]) {
    const stream = new Readable({
      read() {
        this.push(null)
      },
      destroy: (_error, callback) => callback(new Error('The connection was reset.')),
    })
    const closed = new Promise((resolve) => stream.once('close', resolve))
    await boundedBody(stream, coding, 10)
    await closed
  }
})

describe('a plain body', () => {
  test('is returned whole', async () => {
    expect(await boundedBody(source(plain, plain), undefined, 10_000)).toEqual({
      body: new Uint8Array(Buffer.from(text + text)),
      truncated: false,
      broken: false,
    })
  })

  test('may be empty', async () => {
    const read = await boundedBody(source(), 'identity', 10)
    expect(read).toEqual({ body: new Uint8Array(), truncated: false, broken: false })
  })

  test('is whole at the bound, and cut one byte over it', async () => {
    const whole = await boundedBody(source(plain), undefined, plain.length)
    expect(whole.truncated).toBe(false)
    const cut = await boundedBody(source(plain), undefined, plain.length - 1)
    expect(cut).toEqual({
      body: new Uint8Array(plain.subarray(0, -1)),
      truncated: true,
      broken: false,
    })
  })

  test('grows over many chunks without losing a byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251))
    const chunks = Array.from({ length: 1_000 }, (_, n) => bytes.subarray(n * 100, n * 100 + 100))
    const read = await boundedBody(source(...chunks), undefined, 100_000)
    expect(Buffer.compare(read.body, bytes)).toBe(0)
    expect(read.truncated).toBe(false)
  })

  test('that does not end is cut, and its source is destroyed', async () => {
    const { stream, taken } = endless(Buffer.alloc(1_000))
    const read = await boundedBody(stream, undefined, 100_000)
    expect(read.body.length).toBe(100_000)
    expect(read.truncated).toBe(true)
    expect(stream.destroyed).toBe(true)
    // The bound, and what the stream had read ahead.
    expect(taken()).toBeLessThan(200)
  })

  test('that breaks keeps what came before', async () => {
    const chunks = (async function* () {
      yield plain
      throw new Error('reset')
    })()
    const read = await boundedBody(Readable.from(chunks, { objectMode: false }), undefined, 10_000)
    expect(read).toEqual({ body: new Uint8Array(plain), truncated: false, broken: true })
  })
})

/** Compresses at a low level, which takes a fraction of the time. */
const compressBrotli = (bytes: Uint8Array): Buffer =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })

const encodings: readonly [string, (bytes: Uint8Array) => Buffer][] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZip ', gzipSync],
  ['deflate', deflateSync],
  ['br', compressBrotli],
  ['zstd', zstdCompressSync],
  ['gzip, br', (bytes) => compressBrotli(gzipSync(bytes))],
  ['Zstd , identity,deflate', (bytes) => deflateSync(zstdCompressSync(bytes))],
]

describe.each(encodings)('a body encoded with %j', (name, encode) => {
  test('is decoded', async () => {
    const read = await boundedBody(source(encode(plain)), name, 10_000)
    expect(read).toEqual({ body: new Uint8Array(plain), truncated: false, broken: false })
  })

  test('is bounded by its decoded size', async () => {
    const bomb = encode(Buffer.alloc(32 * 1_048_576))
    const read = await boundedBody(source(bomb), name, 100_000)
    expect(read.body.length).toBe(100_000)
    expect(read.truncated).toBe(true)
    expect(read.broken).toBe(false)
  })

  test('is broken when it is cut short', async () => {
    const read = await boundedBody(source(encode(plain).subarray(0, -9)), name, 10_000)
    expect(read.broken).toBe(true)
    expect(read.truncated).toBe(false)
  })

  test('is broken when it is something else', async () => {
    const read = await boundedBody(source(plain), name, 10_000)
    expect(read).toEqual({ body: new Uint8Array(), truncated: false, broken: true })
  })

  test('is whole when it is empty, as after HEAD', async () => {
    const read = await boundedBody(source(), name, 10_000)
    expect(read).toEqual({ body: new Uint8Array(), truncated: false, broken: false })
  })
})

test('an encoded body without end is cut at the decoded bound', async () => {
  const member = gzipSync(Buffer.alloc(1_048_576))
  const { stream, taken } = endless(member)
  const read = await boundedBody(stream, 'gzip', 100_000)
  expect(read.body.length).toBe(100_000)
  expect(read.truncated).toBe(true)
  expect(stream.destroyed).toBe(true)
  // What the two streams read ahead, and not the time that it takes to notice.
  expect(taken()).toBeLessThan(500)
})

test.each(encodings)(
  'a long body that %j does not shrink is cut, not broken',
  async (name, encode) => {
    const encoded = encode(randomBytes(4 * 1_048_576))
    const chunks = Array.from({ length: Math.ceil(encoded.length / 65_536) }, (_, index) =>
      encoded.subarray(index * 65_536, (index + 1) * 65_536),
    )
    const read = await boundedBody(source(...chunks), name, 100_000)
    expect(read.body.length).toBe(100_000)
    expect(read).toMatchObject({ truncated: true, broken: false })
  },
)

test('an encoded body without end that decodes to nothing is broken', async () => {
  const { stream } = endless(gzipSync(Buffer.alloc(0)))
  const read = await boundedBody(stream, 'gzip', 100_000)
  expect(read).toEqual({ body: new Uint8Array(), truncated: false, broken: true })
})

test.each(['none', 'UTF-8', 'identity, none', ', ,'])(
  'a body with %j is read as it is',
  async (name) => {
    const read = await boundedBody(source(plain), name, 10_000)
    expect(read).toEqual({ body: new Uint8Array(plain), truncated: false, broken: false })
  },
)

test.each([
  ['compress', 'compress'],
  ['gzip, AES128GCM', 'gzip, aes128gcm'],
  ['aes128gcm, identity, gzip', 'aes128gcm, gzip'],
  ['gzip, gzip, gzip, gzip, gzip', 'gzip, gzip, gzip, gzip, gzip'],
  ['constructor', 'constructor'],
  ['__proto__', '__proto__'],
])('a body in %j is returned as it came, with its codings', async (name, encoding) => {
  const read = await boundedBody(source(plain), name, 10_000)
  expect(read).toEqual({ body: new Uint8Array(plain), truncated: false, broken: false, encoding })
  const cut = await boundedBody(endless(plain).stream, name, 10)
  expect(cut).toMatchObject({ truncated: true, broken: false, encoding })
})

test('a layer that decodes to more than the bound of an encoded body is broken', async () => {
  // Two megabytes that decode to gigabytes of empty members of gzip.
  const member = gzipSync(Buffer.alloc(0))
  const members = Buffer.concat(Array.from({ length: 100_000 }, () => member))
  const bomb = gzipSync(Buffer.concat([members, members]))
  expect(bomb.length).toBeLessThan(100_000)
  const read = await boundedBody(source(bomb), 'gzip, gzip', 100_000)
  expect(read).toEqual({ body: new Uint8Array(), truncated: false, broken: true })
})

describe('a source that nobody reads', () => {
  test.each(['identity', 'gzip', 'zstd', 'compress'])(
    'and that breaks in %s harms nobody',
    async (name) => {
      const stream = new Readable({ read() {} })
      const reading = boundedBody(stream, name, 10_000)
      stream.destroy(new Error('reset'))
      expect(await reading).toMatchObject({ truncated: false, broken: true })
      // The error of a stream without a listener would end the process in the next turns.
      await new Promise((resolve) => setImmediate(resolve))
      expect(stream.listenerCount('error')).toBeGreaterThan(0)
    },
  )
})

test('raw deflate, which is no HTTP encoding, is broken', async () => {
  const read = await boundedBody(source(deflateRawSync(plain)), 'deflate', 10_000)
  expect(read.broken).toBe(true)
})
