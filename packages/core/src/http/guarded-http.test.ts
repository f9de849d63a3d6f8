import { execFileSync } from 'node:child_process'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { HttpClient, HttpRequest } from '../ports/http-client.ts'
import { BursarError } from '../primitives/errors.ts'
import {
  type ClientSeams,
  createGuardedHttp,
  type GuardedHttpOptions,
  guardedHttp,
} from './guarded-http.ts'

let servers: Server[]

beforeEach(() => {
  servers = []
})

afterEach(() => {
  vi.unstubAllEnvs()
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
})

/** Starts a merchant on loopback; `sockets` are its connections so far. */
async function merchant(answer: RequestListener) {
  const sockets: Socket[] = []
  const server = createServer(answer)
  server.on('connection', (socket) => sockets.push(socket))
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { server, sockets, port, host: `shop.localhost:${port}` }
}

function get(client: HttpClient, url: string, request: Partial<HttpRequest> = {}, options = {}) {
  return client.request(
    { method: 'GET', url: new URL(url), headers: {}, ...request },
    { isolation: 'alice', ...options },
  )
}

/** A client that lists a host for development, with some of its parts replaced. */
function listing(
  host: string,
  { deadlineMs, ...seams }: GuardedHttpOptions & Partial<ClientSeams> = {},
): HttpClient {
  const options = { development: { hosts: [host] }, deadlineMs }
  return createGuardedHttp(options, { maxBodyBytes: 1_048_576, ...seams })
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

const hello: RequestListener = (_request, response) => response.end('hello')
const silent: RequestListener = () => {}

describe('what is answered', () => {
  test('comes back as it was sent', async () => {
    const { host } = await merchant((request, response) => {
      response.writeHead(402, { 'X-Method': request.method, 'X-Proof': request.headers.proof })
      request.pipe(response)
    })
    const request = { method: 'POST', headers: { Proof: 'p' }, body: '{"a":1}' }
    const response = await get(listing(host), `http://${host}/a`, request)
    expect(response).toMatchObject({
      status: 402,
      headers: { 'x-method': 'POST', 'x-proof': 'p' },
      truncated: false,
      broken: false,
      remoteAddress: '127.0.0.1',
    })
    expect(text(response.body)).toBe('{"a":1}')
  })

  test('is cut at the bound', async () => {
    const { host } = await merchant((_request, response) => response.end('x'.repeat(1_048_577)))
    const usual = await get(listing(host), `http://${host}/`)
    expect(usual.body).toHaveLength(1_048_576)
    expect(usual.truncated).toBe(true)
    const small = await get(listing(host, { maxBodyBytes: 5 }), `http://${host}/`)
    expect(text(small.body)).toBe('xxxxx')
    expect(small.truncated).toBe(true)
  })

  test.each([
    ['a private address', 'http://169.254.169.254/latest/meta-data/'],
    ['plain http', 'http://shop.example/'],
    ['a file', 'file:///etc/passwd'],
  ])('with a redirect to %s is the redirect', async (_what, location) => {
    const { host, sockets } = await merchant((_request, response) => {
      response.writeHead(307, { location }).end()
    })
    const request = { method: 'POST', headers: { proof: 'p' }, body: 'b' }
    const response = await get(listing(host), `http://${host}/`, request)
    expect(response.status).toBe(307)
    expect(response.headers.location).toBe(location)
    expect(sockets).toHaveLength(1)
  })
})

describe('a URL', () => {
  test('with plain http is refused for a host that is not listed', async () => {
    const { host, sockets } = await merchant(hello)
    await expect(get(guardedHttp(), `http://${host}/`)).rejects.toMatchObject({
      code: 'request_refused',
      cause: { code: 'https_required' },
      message: `${host} was asked for over http. Use https, or list the host in development.hosts while developing.`,
    })
    expect(sockets).toEqual([])
  })

  test.each([
    'https://127.0.0.1:PORT/',
    'https://2130706433:PORT/',
    'https://[::ffff:127.0.0.1]:PORT/',
    'https://localhost:PORT/',
  ])('%s is refused, and nothing is dialled', async (url) => {
    const { port, sockets } = await merchant(hello)
    const asked = get(guardedHttp(), url.replace('PORT', String(port)))
    await expect(asked).rejects.toMatchObject({ code: 'request_refused' })
    expect(sockets).toEqual([])
  })

  test.each([
    'https://user:secret@shop.example/',
    'https://shop.example:22/',
    'ftp://shop.example/',
    'data:,hello',
  ])('%s is refused before its host is looked up', async (url) => {
    const lookup = vi.fn(async () => ['8.8.8.8'])
    await expect(
      get(createGuardedHttp({}, { lookup, maxBodyBytes: 10 }), url),
    ).rejects.toMatchObject({
      code: 'request_refused',
    })
    expect(lookup).not.toHaveBeenCalled()
  })

  test('has its fragment and the dot after its host removed', async () => {
    const { host, port } = await merchant((request, response) => {
      response.end(`${request.headers.host}${request.url}`)
    })
    const response = await get(listing(host), `http://Shop.localhost.:${port}/a?b#c`)
    expect(text(response.body)).toBe(`${host}/a?b`)
  })

  test('that looks like a listed host is another host', async () => {
    const { port, sockets } = await merchant(hello)
    const client = listing(`shop.localhost:${port}`)
    // Cyrillic о, and a suffix.
    for (const host of ['shоp.localhost', 'shop.localhost.evil.example', 'x.shop.localhost']) {
      await expect(get(client, `http://${host}:${port}/`)).rejects.toMatchObject({
        code: 'request_refused',
      })
    }
    expect(sockets).toEqual([])
  })
})

describe('a name', () => {
  test('is looked up once for a request, and that answer is dialled', async () => {
    const { port } = await merchant(hello)
    const answers = [['127.0.0.1'], ['127.0.0.2']]
    const lookup = vi.fn(async () => answers.shift() ?? [])
    const client = listing('shop.test', { lookup })
    const response = await get(client, `http://shop.test:${port}/`)
    expect(response.remoteAddress).toBe('127.0.0.1')
    expect(lookup.mock.calls).toEqual([['shop.test']])
  })

  test('that was good for one request is checked again for the next', async () => {
    const { port, sockets } = await merchant(hello)
    const answers = [['127.0.0.1'], ['169.254.169.254'], ['127.0.0.1', '::ffff:127.0.0.1']]
    const client = listing('shop.test', { lookup: async () => answers.shift() ?? [] })
    const url = `http://shop.test:${port}/`
    expect((await get(client, url)).status).toBe(200)
    await expect(get(client, url)).rejects.toMatchObject({ code: 'request_refused' })
    await expect(get(client, url)).rejects.toMatchObject({ code: 'request_refused' })
    expect(sockets).toHaveLength(1)
  })

  test('that nobody listens at is a failure with its code and cause', async () => {
    const { server, host } = await merchant(hello)
    await new Promise((resolve) => server.close(resolve))
    await expect(get(listing(host), `http://${host}/`)).rejects.toMatchObject({
      code: 'request_failed',
      message: `No usable response from ${host}: ECONNREFUSED.`,
      cause: { code: 'refused', cause: { code: 'ECONNREFUSED' } },
    })
  })
})

describe('hosts listed for development', () => {
  test.each([
    ['shop.localhost', true],
    ['SHOP.localhost.', true],
    ['shop.localhost:PORT', true],
    ['shop.localhost:1024', false],
    ['localhost', false],
    ['127.0.0.1', false],
  ])('%s', async (entry, reached) => {
    const { host, port } = await merchant(hello)
    const client = listing(entry.replace('PORT', String(port)))
    const [asked] = await Promise.allSettled([get(client, `http://${host}/`)])
    expect(asked.status).toBe(reached ? 'fulfilled' : 'rejected')
  })

  test.each([
    ['127.0.0.1:PORT', 'http://127.0.0.1:PORT/'],
    ['127.0.0.1', 'http://127.1:PORT/'],
    ['localhost:PORT', 'http://localhost:PORT/'],
  ])('%s allows %s', async (entry, url) => {
    const { port } = await merchant(hello)
    const at = (pattern: string) => pattern.replace('PORT', String(port))
    expect((await get(listing(at(entry)), at(url))).status).toBe(200)
  })

  test.each([
    '',
    '*',
    '*.localhost',
    'http://shop.localhost',
    'shop.localhost/a',
    'a b',
    'a:b',
    'u@a',
  ])('cannot be written as %j', (entry) => {
    expect(() => listing(entry)).toThrow(
      new BursarError(
        'invalid_input',
        `guardedHttp: development.hosts.0: must be a host such as 'shop.localhost:8402'.`,
      ),
    )
  })
})

test.each([
  [{ deadlineMs: 0 }, 'deadlineMs'],
  [{ deadlineMs: 600_001 }, 'deadlineMs'],
  [{ deadlineMs: 1.5 }, 'deadlineMs'],
  [{ development: true }, 'development'],
])('the options %j are refused by name', (options, field) => {
  const make = () => guardedHttp(options as GuardedHttpOptions)
  expect(make).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  expect(make).toThrow(`guardedHttp: ${field}: `)
})

describe('the deadline', () => {
  const deadlineMs = 250

  test('ends a resolver that does not answer', async () => {
    const client = createGuardedHttp(
      { deadlineMs },
      { lookup: () => new Promise(() => {}), maxBodyBytes: 10 },
    )
    await expect(get(client, 'https://shop.example/')).rejects.toMatchObject({
      code: 'request_failed',
      message: 'No usable response from shop.example: the deadline of 250 ms passed.',
    })
  })

  test('ends a handshake that does not come', async () => {
    const { host, server } = await merchant(silent)
    server.removeAllListeners('connection')
    const asked = get(listing(host, { deadlineMs }), `https://${host}/`)
    await expect(asked).rejects.toMatchObject({
      code: 'request_failed',
      message: `No usable response from ${host}: the deadline of 250 ms passed.`,
    })
  })

  test('ends a head that does not come', async () => {
    const { host } = await merchant(silent)
    const asked = get(listing(host, { deadlineMs }), `http://${host}/`)
    await expect(asked).rejects.toMatchObject({ code: 'request_failed' })
  })

  test('ends a head that drips', async () => {
    const { host } = await merchant((request) => {
      request.socket.write('HTTP/1.1 200 OK\r\n')
      const timer = setInterval(() => request.socket.write('a: b\r\n'), 10)
      request.socket.on('close', () => clearInterval(timer))
    })
    const asked = get(listing(host, { deadlineMs }), `http://${host}/`)
    await expect(asked).rejects.toMatchObject({ code: 'request_failed' })
  })

  test('breaks a body that drips', async () => {
    const { host, sockets } = await merchant((_request, response) => {
      const timer = setInterval(() => response.write('x'), 10)
      response.on('close', () => clearInterval(timer))
    })
    const response = await get(listing(host, { deadlineMs }), `http://${host}/`)
    expect(response).toMatchObject({ status: 200, truncated: false, broken: true })
    expect(text(response.body)).toMatch(/^x+$/)
    expect(sockets).toHaveLength(1)
  })
})

test('a longer deadline of one request is kept, and a shorter one changes nothing', async () => {
  const { host } = await merchant((_request, response) => {
    setTimeout(() => response.end('late'), 200)
  })
  const client = listing(host, { deadlineMs: 50 })
  const url = `http://${host}/`
  const late = await get(client, url, {}, { minDeadlineMs: 10_000 })
  expect(text(late.body)).toBe('late')
  await expect(get(client, url, {}, { minDeadlineMs: 1 })).rejects.toMatchObject({
    code: 'request_failed',
    cause: { code: 'timeout' },
  })
})

describe('a peer that does not speak HTTP/1.1', () => {
  const settings = [0, 0, 0, 4, 0, 0, 0, 0, 0]
  const goAway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
  test.each([
    ['SETTINGS of HTTP/2', settings, 'http2_only'],
    ['GOAWAY of HTTP/2', goAway, 'http2_only'],
    ['a frame of another stream', [0, 0, 0, 4, 0, 0, 0, 0, 1], 'broken'],
    ['another frame', [0, 0, 0, 0, 0, 0, 0, 0, 0], 'broken'],
    ['nothing that is a protocol', [...Buffer.from('220 smtp.example ESMTP\r\n')], 'broken'],
  ])('and answers with %s has failed', async (_what, bytes, kind) => {
    const server = createSocketServer((socket) => {
      socket.on('error', () => {})
      socket.end(Buffer.from(bytes))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const host = `shop.localhost:${(server.address() as AddressInfo).port}`
    try {
      await expect(get(listing(host), `http://${host}/`)).rejects.toMatchObject({
        code: 'request_failed',
        cause: { code: kind },
      })
    } finally {
      server.close()
    }
  })
})

describe('an abort', () => {
  const reason = new BursarError('some_reason', 'the reason')

  test('before the request dials nothing', async () => {
    const { host, sockets } = await merchant(hello)
    const asked = get(listing(host), `http://${host}/`, {}, { signal: AbortSignal.abort(reason) })
    await expect(asked).rejects.toMatchObject({
      code: 'request_failed',
      message: `No usable response from ${host}: aborted by the caller.`,
      cause: { code: 'aborted', cause: reason },
    })
    expect(sockets).toEqual([])
  })

  test('while the host is looked up dials nothing', async () => {
    const controller = new AbortController()
    const { port, sockets } = await merchant(hello)
    const lookup = async () => {
      controller.abort(reason)
      return ['127.0.0.1']
    }
    const client = listing('shop.test', { lookup })
    const asked = get(client, `http://shop.test:${port}/`, {}, { signal: controller.signal })
    await expect(asked).rejects.toMatchObject({ code: 'request_failed', cause: { cause: reason } })
    expect(sockets).toEqual([])
  })

  test('while the head is awaited ends the request', async () => {
    const controller = new AbortController()
    const { host } = await merchant(() => controller.abort(reason))
    const asked = get(listing(host), `http://${host}/`, {}, { signal: controller.signal })
    await expect(asked).rejects.toMatchObject({ code: 'request_failed', cause: { cause: reason } })
  })

  test('while the body is read ends the request', async () => {
    const controller = new AbortController()
    // Once the last of this is written, the client has read the head: no socket buffers so much.
    const part = Buffer.alloc(60 * 1_048_576)
    const { host } = await merchant((_request, response) => {
      response.write(part, () => controller.abort(reason))
    })
    const client = listing(host, { maxBodyBytes: 64 * 1_048_576 })
    const asked = get(client, `http://${host}/`, {}, { signal: controller.signal })
    await expect(asked).rejects.toMatchObject({ code: 'request_failed', cause: { cause: reason } })
  })

  test('after the response is nothing', async () => {
    const controller = new AbortController()
    const { host } = await merchant(hello)
    const response = await get(listing(host), `http://${host}/`, {}, { signal: controller.signal })
    controller.abort(reason)
    expect(text(response.body)).toBe('hello')
  })
})

describe('nothing is shared', () => {
  test('no connection, within an isolation or between two', async () => {
    const { host, sockets } = await merchant((_request, response) => {
      response.writeHead(200, { connection: 'keep-alive', 'keep-alive': 'timeout=600' })
      response.end('hello')
    })
    const client = listing(host)
    for (const isolation of ['alice', 'bob', 'alice']) {
      await get(client, `http://${host}/`, {}, { isolation })
    }
    expect(new Set(sockets).size).toBe(3)
  })

  describe('but by the two requests of a payment', () => {
    const asks: RequestListener = (request, response) => {
      response.writeHead(request.headers.proof ? 200 : 402).end(request.headers.connection)
    }
    const proof = { headers: { proof: 'p' } }

    test('a connection, which is then hung up', async () => {
      const { host, sockets } = await merchant(asks)
      const client = listing(host)
      const payment = {}
      const asked = await get(client, `http://${host}/`, {}, { payment })
      const paid = await get(client, `http://${host}/`, proof, { payment })
      expect([asked.status, text(asked.body)]).toEqual([402, 'keep-alive'])
      expect([paid.status, text(paid.body)]).toEqual([200, 'close'])
      expect(sockets).toHaveLength(1)
      // What comes after it has another.
      await get(client, `http://${host}/`, proof, { payment })
      expect(sockets).toHaveLength(2)
    })

    test.each([
      ['of another payment', { payment: {} }],
      ['of another end user', { isolation: 'bob' }],
      ['of none', { payment: undefined }],
    ])('none with one %s', async (_what, other) => {
      const { host, sockets } = await merchant(asks)
      const client = listing(host)
      const options = { payment: {} }
      await get(client, `http://${host}/`, {}, options)
      await get(client, `http://${host}/`, proof, { ...options, ...other })
      expect(sockets).toHaveLength(2)
    })

    test('none to another address, and none that is not allowed by now', async () => {
      const { port, sockets } = await merchant(asks)
      const other = createServer(asks)
      servers.push(other)
      await new Promise<void>((resolve) => other.listen(port, '127.0.0.2', resolve))
      const answers = [['127.0.0.1'], ['127.0.0.2'], ['127.0.0.1'], ['169.254.169.254']]
      const client = listing('shop.test', { lookup: async () => answers.shift() ?? [] })
      const url = `http://shop.test:${port}/`
      const [first, second] = [{}, {}]
      await get(client, url, {}, { payment: first })
      const paid = await get(client, url, proof, { payment: first })
      expect(paid.remoteAddress).toBe('127.0.0.2')
      await get(client, url, {}, { payment: second })
      await expect(get(client, url, proof, { payment: second })).rejects.toMatchObject({
        code: 'request_refused',
      })
      expect(sockets).toHaveLength(2)
    })

    test('none that the merchant has hung up: the proof goes over another, once', async () => {
      let proofs = 0
      const { host, sockets } = await merchant((request, response) => {
        if (request.headers.proof) proofs += 1
        asks(request, response)
        if (!request.headers.proof) response.on('finish', () => request.socket.end())
      })
      const client = listing(host)
      const payment = {}
      await get(client, `http://${host}/`, {}, { payment })
      await new Promise((resolve) => sockets[0]?.once('close', resolve))
      expect((await get(client, `http://${host}/`, proof, { payment })).status).toBe(200)
      expect([sockets.length, proofs]).toEqual([2, 1])
    })

    test('none that the merchant hangs up when the proof comes: it is not sent again', async () => {
      let proofs = 0
      const { host } = await merchant((request, response) => {
        if (!request.headers.proof) return asks(request, response)
        proofs += 1
        request.socket.destroy()
      })
      const client = listing(host)
      const payment = {}
      await get(client, `http://${host}/`, {}, { payment })
      await expect(get(client, `http://${host}/`, proof, { payment })).rejects.toMatchObject({
        code: 'request_failed',
      })
      expect(proofs).toBe(1)
    })

    test('none that still has something of the first answer', async () => {
      const { host, sockets } = await merchant((request, response) => {
        response.writeHead(request.headers.proof ? 200 : 402).end('x'.repeat(100))
      })
      const client = listing(host, { maxBodyBytes: 10 })
      const payment = {}
      await get(client, `http://${host}/`, {}, { payment })
      await get(client, `http://${host}/`, proof, { payment })
      expect(sockets).toHaveLength(2)
    })

    test('and close hangs up what was kept', async () => {
      const { host, sockets } = await merchant(asks)
      const client = listing(host)
      await get(client, `http://${host}/`, {}, { payment: {} })
      const gone = new Promise((resolve) => sockets[0]?.once('close', resolve))
      await client.close()
      await gone
    })
  })

  test('no cookie', async () => {
    const { host } = await merchant((request, response) => {
      response.writeHead(200, { 'set-cookie': 'id=1' }).end(String(request.headers.cookie))
    })
    const client = listing(host)
    await get(client, `http://${host}/`)
    expect(text((await get(client, `http://${host}/`)).body)).toBe('undefined')
  })

  test('no proxy of the environment', async () => {
    const proxy = await merchant(hello)
    const { host } = await merchant(hello)
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy']) {
      vi.stubEnv(name, `http://127.0.0.1:${proxy.port}`)
    }
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    expect((await get(listing(host), `http://${host}/`)).status).toBe(200)
    expect(proxy.sockets).toEqual([])
  })
})

test('close refuses new requests, and waits for those under way', async () => {
  let arrived: (answer: () => void) => void
  const arrival = new Promise<() => void>((resolve) => {
    arrived = resolve
  })
  const { host } = await merchant((_request, response) => {
    arrived(() => response.end('late'))
  })
  const client = listing(host)
  const underWay = get(client, `http://${host}/`)
  const answer = await arrival
  let closed = false
  const closing = client.close().then(() => {
    closed = true
  })
  await expect(get(client, `http://${host}/`)).rejects.toMatchObject({
    code: 'request_refused',
    message: 'The HTTP client is closed. Create a new one.',
  })
  expect(closed).toBe(false)
  answer()
  expect(text((await underWay).body)).toBe('late')
  await closing
})

test('its libraries are loaded at the first request', () => {
  const program = `
    import { createRequire } from 'node:module'
    import { guardedHttp } from ${JSON.stringify(import.meta.resolve('./guarded-http.ts'))}
    const loaded = () => Object.keys(createRequire(import.meta.url).cache)
      .some((file) => /node_modules.(undici|ipaddr.js)/.test(file))
    const client = guardedHttp()
    const before = loaded()
    const url = new URL('https://127.0.0.1/')
    const answer = client.request({ method: 'GET', url, headers: {} }, { isolation: 'a' })
    const code = await answer.catch((error) => error.code)
    console.log(before, loaded(), code)
  `
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program])
  expect(output.toString()).toBe('false true request_refused\n')
})
