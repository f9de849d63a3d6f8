import { generateKeyPairSync, sign } from 'node:crypto'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import {
  createServer as createTlsServer,
  getCACertificates,
  setDefaultCACertificates,
  type TLSSocket,
} from 'node:tls'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type ExchangeRequest, exchangeHttp, openHttpConnection } from './http-exchange.ts'

interface Peer {
  readonly url: URL
  /** The text of what each connection has sent so far. */
  readonly received: readonly string[]
  /** Resolves when the first connection is gone. */
  readonly hungUp: Promise<void>
}

let peers: { readonly server: Server; readonly sockets: Set<Socket> }[]

beforeEach(() => {
  peers = []
})

const usualCertificates = getCACertificates('default')

afterEach(() => {
  vi.unstubAllEnvs()
  setDefaultCACertificates(usualCertificates)
  for (const { server, sockets } of peers) {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
})

/** A peer on loopback that runs `answer` when the head of a request has arrived. */
async function peer(answer: (socket: Socket) => void, path = '/'): Promise<Peer> {
  const received: string[] = []
  const sockets = new Set<Socket>()
  let goodbye = () => {}
  const hungUp = new Promise<void>((resolve) => {
    goodbye = resolve
  })
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    const index = received.push('') - 1
    socket.on('error', () => {})
    socket.on('close', goodbye)
    socket.on('data', (data) => {
      const before = received[index] ?? ''
      received[index] = before + data.toString('latin1')
      if (!before.includes('\r\n\r\n') && received[index].includes('\r\n\r\n')) answer(socket)
    })
  })
  peers.push({ server, sockets })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as { readonly port: number }
  return { url: new URL(`http://shop.test:${address.port}${path}`), received, hungUp }
}

function says(text: string): (socket: Socket) => void {
  return (socket) => socket.end(text, 'latin1')
}

/** Writes the same bytes for as long as the other side takes them. */
function floods(socket: Socket, bytes: string): void {
  const more = () => {
    while (socket.writable && socket.write(bytes)) {}
  }
  socket.on('drain', more)
  more()
}

async function exchange(url: URL, request: Partial<ExchangeRequest> = {}, signal?: AbortSignal) {
  const all = {
    url,
    method: 'GET',
    head: [],
    body: undefined,
    maxBodyBytes: 100_000,
    ...request,
  }
  const connection = openHttpConnection(url, '127.0.0.1', false)
  try {
    return await exchangeHttp(connection, all, true, signal ?? new AbortController().signal)
  } finally {
    connection.close()
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

describe('the request', () => {
  test('is exactly this', async () => {
    const { url, received } = await peer(says('HTTP/1.1 200 OK\r\n\r\n'), '/a%20b?c=d')
    const head = ['accept-encoding', 'identity', 'x-trace', '1']
    await exchange(url, { method: 'POST', head, body: 'größe' })
    expect(received).toEqual([
      [
        'POST /a%20b?c=d HTTP/1.1',
        `host: ${url.host}`,
        'connection: close',
        'accept-encoding: identity',
        'x-trace: 1',
        'content-length: 7',
        '',
        Buffer.from('größe').toString('latin1'),
      ].join('\r\n'),
    ])
  })

  test('is sent once when the peer hangs up without a word', async () => {
    const { url, received } = await peer((socket) => socket.destroy())
    await expect(exchange(url)).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' })
    expect(received).toHaveLength(1)
  })

  test('is sent once when the peer resets', async () => {
    const { url, received } = await peer((socket) => socket.resetAndDestroy())
    await expect(exchange(url)).rejects.toThrow()
    expect(received).toHaveLength(1)
  })

  test('is not dialled for again when the peer hangs up at once', async () => {
    const { url, received } = await peer(() => {})
    peers[0]?.server.on('connection', (socket) => socket.destroy())
    await expect(exchange(url)).rejects.toThrow()
    expect(received).toHaveLength(1)
  })

  test('goes to the address, whatever its host resolves to', async () => {
    const { url, received } = await peer(says('HTTP/1.1 200 OK\r\n\r\nhere'))
    const response = await exchange(url)
    expect(response.remoteAddress).toBe('127.0.0.1')
    expect(received).toHaveLength(1)
  })

  test('does not wait for its body to be taken', async () => {
    const { url } = await peer((socket) => {
      socket.pause()
      socket.end('HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno')
    })
    const response = await exchange(url, { method: 'POST', body: 'x'.repeat(8_000_000) })
    expect(response.status).toBe(413)
    expect(text(response.body)).toBe('no')
  })
})

describe('the head of a response', () => {
  test.each([301, 302, 303, 307, 308])('redirect %i is returned, not followed', async (status) => {
    const elsewhere = await peer(says('HTTP/1.1 200 OK\r\n\r\n'))
    const { url } = await peer(
      says(`HTTP/1.1 ${status} Go\r\nlocation: ${elsewhere.url.href}\r\ncontent-length: 0\r\n\r\n`),
    )
    const response = await exchange(url, { method: 'POST', body: 'proof' })
    expect(response.status).toBe(status)
    expect(response.headers.location).toBe(elsewhere.url.href)
    expect(elsewhere.received).toEqual([])
  })

  test('has lower-case names, and repeated ones are joined', async () => {
    const { url } = await peer(
      says('HTTP/1.1 402 Pay\r\nX-A: 1\r\nx-a: 2\r\nSet-Cookie: c=d\r\n\r\n'),
    )
    const { headers } = await exchange(url)
    expect({ ...headers }).toEqual({ 'x-a': '1, 2', 'set-cookie': 'c=d' })
  })

  test('may use names that mean something to objects', async () => {
    const { url } = await peer(
      says(
        'HTTP/1.1 200 OK\r\n__proto__: 1\r\n__proto__: 2\r\nconstructor: 3\r\ntoString: 4\r\n\r\n',
      ),
    )
    const { headers } = await exchange(url)
    expect(Object.getPrototypeOf(headers)).toBe(null)
    expect(Object.entries(headers)).toEqual([
      ['__proto__', '1, 2'],
      ['constructor', '3'],
      ['tostring', '4'],
    ])
  })

  test('may be as large as challenges are, and no larger', async () => {
    const line = (bytes: number) => `HTTP/1.1 402 Pay\r\na: ${'x'.repeat(bytes)}\r\n\r\n`
    const large = await peer(says(line(65_000)))
    expect((await exchange(large.url)).headers.a).toHaveLength(65_000)
    const larger = await peer(says(line(66_000)))
    await expect(exchange(larger.url)).rejects.toMatchObject({ code: 'UND_ERR_HEADERS_OVERFLOW' })
  })

  test('that does not end is hung up on', async () => {
    const { url, hungUp } = await peer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      floods(socket, 'a: b\r\n'.repeat(1_000))
    })
    await expect(exchange(url)).rejects.toMatchObject({ code: 'UND_ERR_HEADERS_OVERFLOW' })
    await hungUp
  })

  test('may follow a few interim responses', async () => {
    const hint = 'HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n'
    const { url } = await peer(says(`${hint.repeat(16)}HTTP/1.1 200 OK\r\n\r\nbody`))
    const response = await exchange(url)
    expect(response.status).toBe(200)
    expect(text(response.body)).toBe('body')
  })

  test.each([17, 1_000])('may not follow %i interim responses', async (count) => {
    const hints = 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(count)
    const { url } = await peer(says(`${hints}HTTP/1.1 200 OK\r\n\r\nbody`))
    await expect(exchange(url)).rejects.toThrow('Too many interim responses.')
  })

  test.each([
    ['a switch of protocol', 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
    ['a continue that nobody asked for', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['no status', 'HTTP/1.1 \r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 Odd\r\n\r\n'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    [
      'length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a negative length', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n'],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['nothing', ''],
  ])('is no response with %s', async (_what, said) => {
    const { url, received } = await peer(says(said))
    await expect(exchange(url)).rejects.toThrow()
    expect(received).toHaveLength(1)
  })
})

describe('the body of a response', () => {
  const ok = 'HTTP/1.1 200 OK\r\n'
  const chunked = `${ok}transfer-encoding: chunked\r\n\r\n`

  test.each([
    [
      'longer than it was said to be is cut there',
      `${ok}content-length: 3\r\n\r\nabcdef`,
      'abc',
      false,
    ],
    ['shorter than it was said to be is broken', `${ok}content-length: 9\r\n\r\nabc`, 'abc', true],
    ['without its last chunk is broken', `${chunked}3\r\nabc\r\n`, 'abc', true],
    ['with a chunk that is no chunk is broken', `${chunked}3\r\nabc\r\nzz\r\n`, 'abc', true],
    [
      'with trailers is whole without them',
      `${chunked}3\r\nabc\r\n0\r\nx: y\r\n\r\n`,
      'abc',
      false,
    ],
    ['up to the end of the connection is whole', `${ok}\r\nabc`, 'abc', false],
  ])('%s', async (_what, said, body, broken) => {
    const { url } = await peer(says(said))
    const response = await exchange(url)
    expect(text(response.body)).toBe(body)
    expect(response).toMatchObject({ status: 200, truncated: false, broken })
  })

  test('that is reset half-way is broken', async () => {
    const { url } = await peer((socket) => {
      socket.write(`${ok}content-length: 9\r\n\r\nabc`, () => socket.resetAndDestroy())
    })
    expect(await exchange(url)).toMatchObject({ status: 200, truncated: false, broken: true })
  })

  test('with trailers that do not end is broken', async () => {
    const { url, hungUp } = await peer((socket) => {
      socket.write(`${chunked}3\r\nabc\r\n0\r\n`)
      floods(socket, 'a: b\r\n'.repeat(1_000))
    })
    const response = await exchange(url)
    expect(text(response.body)).toBe('abc')
    expect(response.broken).toBe(true)
    await hungUp
  })

  test.each([
    ['in chunks', chunked, `1000\r\n${'x'.repeat(4_096)}\r\n`],
    ['in chunks of one byte', chunked, '1\r\nx\r\n'.repeat(1_000)],
    ['up to the end of the connection', `${ok}\r\n`, 'x'.repeat(4_096)],
    ['of a length that it may well have', `${ok}content-length: 999999999999\r\n\r\n`, 'xxxx'],
  ])('that does not end, %s, is cut at the bound', async (_what, start, bytes) => {
    const { url, hungUp } = await peer((socket) => {
      socket.write(start)
      floods(socket, bytes)
    })
    const response = await exchange(url)
    expect(response.body).toHaveLength(100_000)
    expect(response).toMatchObject({ truncated: true, broken: false })
    await hungUp
  })

  test('that was encoded all the same is decoded, and bounded by its decoded size', async () => {
    const bomb = gzipSync(Buffer.alloc(32 * 1_048_576)).toString('latin1')
    const { url } = await peer(
      says(`${ok}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n${bomb}`),
    )
    const response = await exchange(url)
    expect(response.body).toHaveLength(100_000)
    expect(response).toMatchObject({ truncated: true, broken: false })
  })

  test('in an encoding that is not known comes as it is, with its name', async () => {
    const { url } = await peer(says(`${ok}content-encoding: compress\r\n\r\nabc`))
    const response = await exchange(url)
    expect(response).toMatchObject({ status: 200, broken: false, encoding: 'compress' })
    expect(text(response.body)).toBe('abc')
  })

  test.each([
    ['HEAD', `${ok}content-encoding: gzip\r\ncontent-length: 9\r\n\r\n`],
    ['HEAD', `${ok}content-encoding: zstd\r\ncontent-length: 9\r\n\r\n`],
    ['GET', 'HTTP/1.1 204 No Content\r\ncontent-encoding: zstd\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\ncontent-encoding: compress\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\ncontent-encoding: gzip\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\ncontent-encoding: gzip\r\n\r\n'],
  ])('that there is none of is whole: %s', async (method, said) => {
    const { url } = await peer(says(said))
    const response = await exchange(url, { method })
    expect(response).toMatchObject({ truncated: false, broken: false })
    expect(response.body).toHaveLength(0)
  })
})

describe('an abort', () => {
  test('before the start dials nothing', async () => {
    const { url, received } = await peer(says(''))
    await expect(exchange(url, {}, AbortSignal.abort(new Error('early')))).rejects.toThrow('early')
    expect(received).toEqual([])
  })

  test('ends a connection that is never made', async () => {
    // The peer takes the connection, and says nothing to the client's hello.
    const controller = new AbortController()
    const { url, hungUp } = await peer(() => {})
    const secure = new URL(url.href.replace('http:', 'https:'))
    const ended = exchange(secure, {}, controller.signal)
    const connected = new Promise((resolve) => peers[0]?.server.once('connection', resolve))
    await connected
    controller.abort()
    await expect(ended).rejects.toThrow('The exchange was aborted.')
    await hungUp
  })

  test('ends a head that never comes', async () => {
    const controller = new AbortController()
    const { url, hungUp } = await peer(() => controller.abort())
    await expect(exchange(url, {}, controller.signal)).rejects.toThrow('The exchange was aborted.')
    await hungUp
  })

  test('breaks a body that never ends', async () => {
    const controller = new AbortController()
    // Once the last of this is written, the client has read the head: no socket buffers so much.
    const part = 'x'.repeat(64 * 1_048_576)
    const { url, hungUp } = await peer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${part.length + 1}\r\n\r\n`)
      socket.write(part, () => controller.abort())
    })
    const response = await exchange(url, { maxBodyBytes: part.length * 2 }, controller.signal)
    expect(response).toMatchObject({ status: 200, truncated: false, broken: true })
    await hungUp
  })
})

describe('https', () => {
  test('checks the certificate for the name, though an address is dialled', async () => {
    const { key, cert } = selfSigned('shop.test')
    setDefaultCACertificates([cert])
    const { url, indicated } = await securePeer({ key, cert }, 'shop.test')
    const response = await exchange(url)
    expect(text(response.body)).toBe('secure')
    expect(indicated).toEqual(['shop.test'])
  })

  test('refuses a certificate for another name before it sends a byte', async () => {
    const { key, cert } = selfSigned('other.test')
    setDefaultCACertificates([cert])
    const { url, received } = await securePeer({ key, cert }, 'shop.test')
    await expect(exchange(url)).rejects.toMatchObject({
      code: 'tls',
      message: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
    expect(received).toEqual([])
  })

  test('refuses a name’s certificate for the literal address', async () => {
    const { key, cert } = selfSigned('shop.test')
    setDefaultCACertificates([cert])
    const { url, received } = await securePeer({ key, cert }, '127.0.0.1')
    await expect(exchange(url)).rejects.toMatchObject({
      code: 'tls',
      message: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
    expect(received).toEqual([])
  })

  test('refuses a certificate that nobody vouches for, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const { url, received } = await securePeer(selfSigned('shop.test'), 'shop.test')
    await expect(exchange(url)).rejects.toMatchObject({
      code: 'tls',
      message: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    })
    expect(received).toEqual([])
  })
})

async function securePeer(identity: { readonly key: string; readonly cert: string }, host: string) {
  const received: string[] = []
  const indicated: (string | false | null)[] = []
  const sockets = new Set<Socket>()
  const server = createTlsServer(identity, (socket: TLSSocket) => {
    indicated.push(socket.servername)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      received.push(data.toString())
      socket.end('HTTP/1.1 200 OK\r\n\r\nsecure')
    })
  })
  server.on('connection', (socket: Socket) => sockets.add(socket))
  peers.push({ server, sockets })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { readonly port: number }
  return { url: new URL(`https://${host}:${port}/`), received, indicated }
}

/** A certificate for one name with a key made for it, in the fewest DER elements that X.509 has. */
function selfSigned(name: string): { readonly key: string; readonly cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const der = (tag: number, ...parts: readonly (Buffer | string)[]) => {
    const content = Buffer.concat(parts.map((part) => Buffer.from(part as string, 'latin1')))
    const { length } = content
    const size = length < 128 ? [length] : [0x82, length >> 8, length & 0xff]
    return Buffer.concat([Buffer.from([tag, ...size]), content])
  }
  const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
  const ecdsaWithSha256 = der(0x30, oid('2a8648ce3d040302'))
  const subject = der(0x30, der(0x31, der(0x30, oid('550403'), der(0x0c, name))))
  const alternativeNames = der(0x30, der(0x82, name))
  const content = der(
    0x30,
    der(0xa0, der(0x02, '\x02')),
    der(0x02, '\x01'),
    ecdsaWithSha256,
    subject,
    der(0x30, der(0x17, '200101000000Z'), der(0x17, '491231235959Z')),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, der(0x30, oid('551d11'), der(0x04, alternativeNames)))),
  )
  const signature = der(0x03, '\0', sign('sha256', content, privateKey))
  const certificate = der(0x30, content, ecdsaWithSha256, signature).toString('base64')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
  }
}
