import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import type { Random } from '../sim/random.ts'

/** An answer as bytes on a connection, and what follows the last of them. */
export interface RawAnswer {
  readonly parts: readonly Buffer[]
  /** `ends` closes in order, `resets` does not, and `stalls` leaves the connection open without a word. */
  readonly ending: 'ends' | 'resets' | 'stalls'
}

const codings: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
  deflate: deflateSync,
  DEFLATE: deflateRawSync,
  identity: (body) => body,
  none: (body) => body,
  'utf-8': (body) => body,
  compress: (body) => body,
  'x-own': (body) => body,
  '': (body) => body,
}

const statusLines = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200 ',
  'HTTP/1.1 200',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 206 Partial Content',
  'HTTP/1.1 302 Found',
  'HTTP/1.1 304 Not Modified',
  'HTTP/1.1 400 Bad Request',
  'HTTP/1.1 402 Payment Required',
  'HTTP/1.1 409 \u00e9\u0000 odd',
  'HTTP/1.1 429 Too Many Requests',
  'HTTP/1.1 500 Internal Server Error',
  'HTTP/1.1 599 Odd',
  'HTTP/1.1 999 Odd',
  'HTTP/1.1 099 Odd',
  'HTTP/1.1 2000 OK',
  'HTTP/2 200 OK',
  'ICY 200 OK',
  '\u0000\u0000\u0012\u0004\u0000\u0000\u0000\u0000\u0000',
  '',
]

const interim = [
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nupgrade: odd\r\nconnection: upgrade\r\n\r\n',
  'HTTP/1.1 199 Odd\r\n\r\n',
]

const oddHeaders = [
  'location: /elsewhere',
  'location: javascript:alert(1)',
  'content-type: text/html; charset=utf-16',
  'content-type: application/json',
  'set-cookie: a=b',
  '__proto__: x',
  'constructor: x',
  'connection: keep-alive, close',
  'trailer: x-late',
  'x-shouldretry: true',
  ': empty',
  'no colon',
  'x\u0001: control',
  `x-long: ${'a'.repeat(20_000)}`,
  'fake-claim: {"outcome":"settled"}',
  'fake-claim: no json',
]

/**
 * Makes an answer that a server could send by mistake or on purpose: codings that are wrong, unknown or several,
 * lengths that lie, chunks and trailers that break, interim answers, odd reasons and statuses.
 */
export function makeRawAnswer(random: Random, headers: readonly string[]): RawAnswer {
  const names = random.chance(0.4)
    ? Array.from({ length: random.between(1, 3) }, () => random.pick(Object.keys(codings)))
    : []
  const plain = Buffer.from(
    random.chance(0.2) ? '' : 'bought content '.repeat(random.between(1, 200)),
  )
  const encoded = random.chance(0.8) ? encodeAll(plain, names) : plain
  const body = random.chance(0.8) ? encoded : cutAnywhere(random, encoded)
  const coding = names.join(random.pick([', ', ',', ' , ,']))
  const framed = random.chance(0.5) ? frameByLength(random, body) : frameByChunks(random, body)
  const lines = [
    random.chance(0.6) ? 'HTTP/1.1 200 OK' : random.pick(statusLines),
    ...headers,
    ...(names.length > 0 ? [`content-encoding: ${coding}`] : []),
    ...(random.chance(0.3) ? [random.pick(oddHeaders)] : []),
    ...framed.headers,
  ]
  const head = `${random.chance(0.15) ? random.pick(interim) : ''}${lines.join('\r\n')}\r\n\r\n`
  const whole = Buffer.concat([Buffer.from(head, 'latin1'), framed.body])
  const sent = random.chance(0.85) ? whole : cutAnywhere(random, whole)
  const middle = random.between(0, sent.length)
  return {
    parts: random.chance(0.5) ? [sent] : [sent.subarray(0, middle), sent.subarray(middle)],
    ending: random.chance(0.92) ? random.pick(['ends', 'resets']) : 'stalls',
  }
}

function encodeAll(body: Buffer, names: readonly string[]): Buffer {
  return names.reduce((encoded, name) => codings[name]?.(encoded) ?? encoded, body)
}

function cutAnywhere(random: Random, bytes: Buffer): Buffer {
  return bytes.subarray(0, random.between(0, bytes.length))
}

interface Framed {
  readonly headers: readonly string[]
  readonly body: Buffer
}

function frameByLength(random: Random, body: Buffer): Framed {
  const lies = [body.length - 1, body.length + 1, -1, '0', '1, 2', '9'.repeat(30), 'ten', '']
  const header = `content-length: ${random.chance(0.6) ? body.length : random.pick(lies)}`
  return { headers: random.chance(0.1) ? [header, header] : [header], body }
}

function frameByChunks(random: Random, body: Buffer): Framed {
  const hex = body.length.toString(16)
  const size = random.chance(0.7) ? hex : random.pick(['zz', '-1', 'f'.repeat(20), `${hex};a=b`])
  const oddEnds = ['0\r\nx-late: 1\r\n\r\n', '0\r\nbroken trailer\r\n\r\n', '0\r\n', '']
  const end = random.chance(0.7) ? '0\r\n\r\n' : random.pick(oddEnds)
  const parts = [Buffer.from(`${size}\r\n`), body, Buffer.from(`\r\n${end}`)]
  return { headers: ['transfer-encoding: chunked'], body: Buffer.concat(parts) }
}
