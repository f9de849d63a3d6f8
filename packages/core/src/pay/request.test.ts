import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MAX_REQUEST_BODY_BYTES,
  parseRequest,
  parseRequestCall,
  type ResourceRequest,
  requestCallKey,
} from './request.ts'

const url = 'https://api.example.com/report?year=2030'

function accepted(input: unknown): ResourceRequest {
  const parsed = parseRequest(input)
  if ('request' in parsed) return parsed.request
  throw new Error(parsed.problem)
}

function problem(input: unknown): string {
  const parsed = parseRequest(input)
  return 'problem' in parsed ? parsed.problem : 'accepted'
}

function hash(input: object): string {
  return accepted({ url, purpose: 'x', ...input }).hash
}

describe('a request', () => {
  test('of a model is read with its defaults', () => {
    expect(accepted({ url, purpose: 'read the report' })).toEqual({
      url: new URL(url),
      method: 'GET',
      headers: {},
      purpose: 'read the report',
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  test('of an application is read with everything', () => {
    expect(
      accepted({
        url,
        method: 'post',
        headers: { 'X-Trace': ' a ', Accept: 'text/plain' },
        body: 'text',
        purpose: 'x',
        maxAmount: '0.05',
      }),
    ).toMatchObject({
      method: 'POST',
      headers: { accept: 'text/plain', 'x-trace': 'a' },
      body: 'text',
      maxMicro: 50_000n,
    })
  })

  test.each([
    ['nothing', undefined, 'the arguments: '],
    ['null', null, 'the arguments: '],
    ['a text', url, 'the arguments: '],
    ['a list', [url], 'the arguments: '],
    ['no URL', { purpose: 'x' }, 'url: '],
    ['a URL object', { url: new URL(url) }, 'url: '],
    ['a relative URL', { url: '/report' }, 'The URL is not an absolute'],
    ['a URL of a file', { url: 'file:///etc/passwd' }, 'The URL is not an absolute'],
    ['a URL with user info', { url: 'https://a:b@api.example.com/' }, 'The URL has user info'],
    ['a method that is none', { url, method: 'PAY' }, 'method: '],
    ['a method with a line end', { url, method: 'GET\r\nX: y' }, 'method: '],
    ['CONNECT', { url, method: 'CONNECT' }, 'method: '],
    ['a number as purpose', { url, purpose: 1 }, 'purpose: '],
    ['a small number as maxAmount', { url, maxAmount: 1e-7 }, 'maxAmount: '],
    ['a negative maxAmount', { url, maxAmount: '-1' }, 'maxAmount: '],
    ['a maxAmount of zero', { url, maxAmount: '0' }, 'maxAmount: '],
    ['headers as a list', { url, headers: [['a', 'b']] }, 'headers: '],
    ['a header that is no text', { url, headers: { 'x-a': 1 } }, 'headers.x-a: '],
  ])('that is or has %s is refused, and the field is named', (_what, input, text) => {
    expect(problem(input)).toContain(text)
  })

  test('never makes the parser throw, whatever JSON it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, other) => {
        parseRequest(value)
        parseRequest({ url, body: other, headers: value, purpose: 'x', method: 'POST' })
        parseRequest({ url: value, purpose: other, maxAmount: other })
      }),
    )
  })
})

describe('unknown arguments', () => {
  const ignored = (input: unknown) => parseRequest(input).ignored

  test('are ignored and named, whether the request is accepted or not', () => {
    expect(ignored({ url, purpose: 'x', budget: '100', limit: 1 })).toEqual(['budget', 'limit'])
    expect(ignored({ url: 1, session: 'ses_1' })).toEqual(['session'])
    expect(ignored({ url, purpose: 'x' })).toEqual([])
  })

  test('are named even where every object has that name', () => {
    const input = JSON.parse(
      `{"url":"${url}","__proto__":{"method":"POST"},"constructor":1,"toString":2,"hasOwnProperty":3}`,
    )
    expect(ignored(input)).toEqual(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
    expect(accepted(input).method).toBe('GET')
  })

  test('are named in few, short, plain words', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`a${index}`, 1]))
    expect(ignored({ url, ...many })).toHaveLength(10)
    expect(ignored({ url, ['x'.repeat(1_000_000)]: 1 })).toEqual(['x'.repeat(40)])
    expect(ignored({ url, 'new\nline \u202e bidi': 1 })).toEqual(['new?line ? bidi'])
  })

  test('that look like arguments of the guard change nothing', () => {
    const plain = accepted({ url, purpose: 'x' })
    const more = { maxMicro: 1n, hash: '00', session: 'ses_1', payee: '0x00', token: 'x' }
    expect(accepted({ url, purpose: 'x', ...more })).toEqual(plain)
  })
})

describe('headers', () => {
  const headers = (given: Record<string, unknown>) => accepted({ url, headers: given }).headers

  test('of the connection are left out, whoever sets them', () => {
    const connection = [
      'Accept-Encoding',
      'Connection',
      'Content-Length',
      'Expect',
      'Host',
      'Keep-Alive',
      'Proxy-Authorization',
      'Proxy-Connection',
      'TE',
      'Trailer',
      'Transfer-Encoding',
      'Upgrade',
    ]
    const given = Object.fromEntries(connection.map((name) => [name, 'x']))
    expect(headers({ ...given, 'X-Kept': 'y' })).toEqual({ 'x-kept': 'y' })
  })

  test.each([
    'X-PAYMENT',
    'Payment-Signature',
    'payment-required',
    'x-402-proof',
    'X-Payment-Response',
  ])('%s is made by the guard only', (name) => {
    expect(problem({ url, headers: { [name]: 'x' } })).toBe(
      `headers: ${name.toLowerCase()} is made by the guard only`,
    )
  })

  test.each([
    ['a name with a blank', { 'a b': 'x' }],
    ['a name with a line end', { 'a\r\nb': 'x' }],
    ['a name with a colon', { 'a:': 'x' }],
    ['no name', { '': 'x' }],
    ['a name in full-width letters', { ａ: 'x' }],
    ['a long name', { ['a'.repeat(101)]: 'x' }],
    ['a value with a line end', { a: 'x\r\nx-payment: y' }],
    ['a value with a NUL', { a: 'x\0' }],
    ['a value beyond Latin-1', { a: 'ж' }],
  ])('with %s are refused', (_what, given) => {
    expect(problem({ url, headers: given })).toBe(
      'headers: a name or value that HTTP does not allow',
    )
  })

  test('given twice in different case are refused: which one counts would be a guess', () => {
    expect(problem({ url, headers: { 'X-A': '1', 'x-a': '2' } })).toBe(
      'headers: x-a is given twice',
    )
  })

  test('are bounded in number and in length', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, 'y']))
    expect(Object.keys(headers(many(50)))).toHaveLength(50)
    expect(problem({ url, headers: many(51) })).toBe('headers: more than 50')
    const long = (length: number) => ({ 'x-a': 'a'.repeat(8_192), 'x-b': 'b'.repeat(length) })
    expect(Object.keys(headers(long(8_186)))).toHaveLength(2)
    expect(problem({ url, headers: long(8_187) })).toMatch(/^headers: longer than 16384/)
    expect(headers({ a: 'x'.repeat(8_192) }).a).toHaveLength(8_192)
    expect(problem({ url, headers: { a: 'x'.repeat(8_193) } })).toContain('headers.a: ')
  })

  test('that mean something to objects are headers like any other, or none', () => {
    const given = JSON.parse('{"constructor":"a","__proto__":"b","toString":"c"}')
    const read = headers(given)
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
    expect({ ...read }).toEqual({ constructor: 'a', tostring: 'c' })
  })

  test('what is said about them is short, whatever they are called', () => {
    const text = problem({ url, headers: { [`\u202e\n${'x'.repeat(1_000_000)}`]: 1 } })
    expect(text.length).toBeLessThan(200)
    expect(text).toMatch(/^[\x20-\x7e]*$/)
  })
})

describe('a body', () => {
  const post = (body: unknown) => accepted({ url, method: 'POST', body })

  test.each([undefined, null, ''])('%j is none', (body) => {
    expect(post(body)).not.toHaveProperty('body')
    expect(post(body).headers).toEqual({})
    expect(accepted({ url, body })).not.toHaveProperty('body')
  })

  test.each([
    [{ a: [1, null] }, '{"a":[1,null]}'],
    [[], '[]'],
    [0, '0'],
    [false, 'false'],
  ])('%j is sent as JSON', (body, text) => {
    expect(post(body)).toMatchObject({
      body: text,
      headers: { 'content-type': 'application/json' },
    })
  })

  test('keeps the content type that the caller set', () => {
    const request = accepted({
      url,
      method: 'PUT',
      headers: { 'Content-Type': 'application/ld+json' },
      body: {},
    })
    expect(request.headers).toEqual({ 'content-type': 'application/ld+json' })
  })

  test('as text is sent as it is, and is what the wire will carry', () => {
    expect(post('{"a": 1}').body).toBe('{"a": 1}')
    expect(post('a\ud800b').body).toBe('a\ufffdb')
  })

  test.each([
    ['{"a": 1}', 'application/json'],
    [' [1]\n', 'application/json'],
    ['a=1&b=2', 'text/plain'],
    ['{"a": 1', 'text/plain'],
    ['"text"', 'text/plain'],
    ['null', 'text/plain'],
    ['7', 'text/plain'],
  ])('of the text %j goes out as %s', (body, type) => {
    expect(post(body)).toMatchObject({ body, headers: { 'content-type': type } })
  })

  test.each(['', ' \n', null, {}, []])('%j is none of a GET', (body) => {
    for (const method of ['GET', 'HEAD'])
      expect(accepted({ url, method, body })).not.toHaveProperty('body')
  })

  test.each(['GET', 'HEAD'])('goes with no %s', (method) => {
    expect(problem({ url, method, body: 'x' })).toBe(`body: ${method} takes none`)
  })

  test('is bounded in bytes', () => {
    expect(post('x'.repeat(MAX_REQUEST_BODY_BYTES)).body).toHaveLength(MAX_REQUEST_BODY_BYTES)
    const over = `body: longer than ${MAX_REQUEST_BODY_BYTES} bytes`
    expect(problem({ url, method: 'POST', body: 'x'.repeat(MAX_REQUEST_BODY_BYTES + 1) })).toBe(
      over,
    )
    expect(problem({ url, method: 'POST', body: 'ж'.repeat(MAX_REQUEST_BODY_BYTES / 2 + 1) })).toBe(
      over,
    )
  })

  test('that has no JSON is refused', () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    for (const body of [cycle, 1n, () => 0, Symbol('x')]) {
      expect(problem({ url, method: 'POST', body })).toBe('body: neither text nor JSON')
    }
  })
})

describe('a purpose', () => {
  const purpose = (text: string) => accepted({ url, purpose: text }).purpose

  test.each([
    ['line ends and tabs', 'a\r\n\tb', 'a b'],
    ['a bidi override', 'pay \u202e100.00\u202c now', 'pay  100.00  now'],
    ['bidi isolates', 'a\u2066b\u2069c', 'a b c'],
    ['zero-width characters', 'a\u200bb\u200cc\u200dd\ufeffe', 'a b c d e'],
    ['a soft hyphen', 'a\u00adb', 'a b'],
    ['line and paragraph separators', 'a\u2028b\u2029c', 'a b c'],
    ['invisible tag characters', 'a\u{e0041}\u{e0042}b', 'a b'],
    ['variation selectors', 'a\u{e0101}\ufe0fb', 'a b'],
    ['invisible fillers', 'a\u3164\u115f\u034fb', 'a b'],
    ['interlinear annotations', 'a\ufff9b\ufffbc', 'a b c'],
    ['a lone surrogate', 'a\ud800b', 'a b'],
    ['a NUL and an escape', 'a\0\u001b[31mb', 'a [31mb'],
    ['blanks around it', '  a  ', 'a'],
    ['only what nobody sees', '\u200b\u202e', ''],
  ])('with %s is cleaned', (_what, given, shown) => {
    expect(purpose(given)).toBe(shown)
  })

  test('keeps words in any language', () => {
    expect(purpose('Données: 天気 و погода 🌦')).toBe('Données: 天気 و погода 🌦')
  })

  test('is cut, and never within a character', () => {
    expect(purpose('x'.repeat(1_000))).toHaveLength(200)
    expect(purpose(`${'x'.repeat(199)}🌦`)).toBe('x'.repeat(199))
    expect(purpose(`${'x'.repeat(198)}🌦y`)).toBe(`${'x'.repeat(198)}🌦`)
  })

  test('never says more than it shows, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const shown = purpose(text)
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
        expect(shown.length).toBeLessThanOrEqual(200)
        expect(shown.isWellFormed()).toBe(true)
      }),
    )
  })
})

describe('the arguments of models', () => {
  const full = { url, method: 'PUT', body: { a: 1 }, purpose: 'x', maxAmount: '0.05' }

  test('may leave the method of a GET out, or give null or an empty string', () => {
    for (const method of [undefined, null, '', 'get']) {
      expect(parseRequest({ url, method, body: '' })).toEqual(parseRequest({ url }))
    }
  })

  test.each(['headers', 'body', 'purpose', 'maxAmount'])(
    'may leave %s out, or give null or an empty string',
    (name) => {
      const { [name]: _, ...rest } = full as Record<string, unknown>
      const left = parseRequest(rest)
      expect(left).toHaveProperty('request')
      expect(parseRequest({ ...rest, [name]: null })).toEqual(left)
      expect(parseRequest({ ...rest, [name]: '' })).toEqual(left)
    },
  )

  test.each([
    [0.05, 50_000n],
    [1, 1_000_000n],
    [0.000001, 1n],
    [12.345678, 12_345_678n],
  ])('may give maxAmount as the number %d', (maxAmount, maxMicro) => {
    expect(accepted({ ...full, maxAmount }).maxMicro).toBe(maxMicro)
  })

  test.each([1e-7, 1e21, -1, 0, Number.NaN, 0.1 + 0.2, true, {}])(
    'may not give maxAmount as %j',
    (maxAmount) => {
      expect(problem({ ...full, maxAmount })).toMatch(/^maxAmount: /)
    },
  )

  test('may come as one JSON text, which is read once', () => {
    expect(parseRequest(JSON.stringify(full))).toEqual(parseRequest(full))
    for (const text of [JSON.stringify(JSON.stringify(full)), 'text', '7', 'null', '[]', '{"url']) {
      expect(parseRequest(text)).toHaveProperty('problem')
    }
  })

  test.each([null, ''])('may not give %j as the URL', (none) => {
    expect(problem({ ...full, url: none })).toMatch(/url/i)
  })
})

describe("a request's hash", () => {
  const first = {
    url,
    method: 'POST',
    headers: { 'X-A': '1', 'x-b': '2' },
    body: 'text',
  }

  test.each([
    ['method', { ...first, method: 'PUT' }],
    ['path', { ...first, url: 'https://api.example.com/reports?year=2030' }],
    ['query', { ...first, url: 'https://api.example.com/report?year=2031' }],
    ['host', { ...first, url: 'https://api.example.org/report?year=2030' }],
    ['scheme', { ...first, url: 'http://api.example.com/report?year=2030' }],
    ['port', { ...first, url: 'https://api.example.com:8443/report?year=2030' }],
    ['body', { ...first, body: 'Text' }],
    ['no body', { ...first, body: undefined }],
    ['a header value', { ...first, headers: { 'X-A': '1', 'x-b': '3' } }],
    ['a header name', { ...first, headers: { 'X-A': '1', 'x-c': '2' } }],
    ['a header less', { ...first, headers: { 'X-A': '1' } }],
    ['a header more', { ...first, headers: { ...first.headers, 'x-c': '' } }],
    ['JSON in place of its text', { ...first, body: { a: 1 } }],
  ])('differs with another %s', (_what, other) => {
    expect(hash(other)).not.toBe(hash(first))
  })

  test.each([
    ['headers in another order', { ...first, headers: { 'x-b': '2', 'X-A': '1' } }],
    ['header names in other letters', { ...first, headers: { 'x-a': '1', 'X-B': '2' } }],
    ['blanks around a header value', { ...first, headers: { 'x-a': ' 1', 'x-b': '2\t' } }],
    ['headers that are left out', { ...first, headers: { ...first.headers, Host: 'x' } }],
    ['the method in other letters', { ...first, method: 'Post' }],
    ['the host in other letters', { ...first, url: url.replace('api', 'API') }],
    ['a trailing dot of the host', { ...first, url: url.replace('.com', '.com.') }],
    ['the port of the scheme', { ...first, url: url.replace('.com', '.com:443') }],
    ['a fragment', { ...first, url: `${url}#page` }],
    ['another purpose', { ...first, purpose: 'y' }],
    ['a maxAmount', { ...first, maxAmount: '0.01' }],
    ['unknown arguments', { ...first, nonce: '1' }],
  ])('stays with %s', (_what, other) => {
    expect(hash(other)).toBe(hash(first))
  })

  test('cannot be shifted from one part into another', () => {
    const hashes = [
      hash({ method: 'POST', body: 'x', headers: { a: 'b' } }),
      hash({ method: 'POST', body: '"a":"b"}x' }),
      hash({ method: 'POST', headers: { a: 'b","c":"d' } }),
      hash({ method: 'POST', headers: { a: 'b', c: 'd' } }),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})

describe('the key of a call', () => {
  test('needs both of its parts', () => {
    const whole = { conversation: 'thread', id: 'call' }
    expect(requestCallKey(whole)).toMatch(/^[0-9a-f]{64}$/)
    const halves = [{}, { id: 'call' }, { conversation: 'thread' }, { ...whole, id: '' }]
    for (const half of [...halves, { ...whole, conversation: '' }]) {
      expect(requestCallKey(half)).toBe(undefined)
    }
    const strange = { conversation: 7, id: ['call'] } as unknown as typeof whole
    expect(() => parseRequestCall(strange, 'pay')).toThrow('pay: call.conversation')
  })

  test('is another one for other parts, however they are cut', () => {
    const keys = [
      requestCallKey({ conversation: 'a', id: 'bc' }),
      requestCallKey({ conversation: 'ab', id: 'c' }),
      requestCallKey({ conversation: 'bc', id: 'a' }),
      requestCallKey({ conversation: 'a ', id: 'bc' }),
    ]
    expect(new Set(keys).size).toBe(keys.length)
    expect(requestCallKey({ conversation: 'a', id: 'bc' })).toBe(keys[0])
  })
})
