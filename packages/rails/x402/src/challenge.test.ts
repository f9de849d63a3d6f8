import type { Challenge, Offers } from '@bursar/core'
import { decodePaymentRequiredHeader, encodePaymentRequiredHeader } from '@x402/core/http'
import { describe, expect, test } from 'vitest'
import { MAX_BODY_BYTES, MAX_OFFERS, readChallenge } from './challenge.ts'

const url = new URL('https://api.example.com/report?page=1')
const asset = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const payTo = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
const networks = ['eip155:84532', 'eip155:8453']

type Entry = Record<string, unknown>

function entry(changes: Entry = {}): Entry {
  return {
    scheme: 'exact',
    network: 'eip155:84532',
    amount: '10000',
    asset,
    payTo,
    maxTimeoutSeconds: 60,
    extra: { name: 'USDC', version: '2' },
    ...changes,
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function withHeader(header: string): Offers | undefined {
  const body = new TextEncoder().encode('{}')
  return readChallenge(
    { url, status: 402, headers: { 'payment-required': header }, body },
    networks,
  )
}

function v2(changes: Entry): Offers | undefined {
  const required = { x402Version: 2, resource: { url: `${url}` }, accepts: [entry()], ...changes }
  return withHeader(base64(JSON.stringify(required)))
}

function withEntry(changes: Entry): Offers | undefined {
  return v2({ accepts: [entry(changes)] })
}

function withBody(body: string | Uint8Array, status = 402): Offers | undefined {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  return readChallenge({ url, status, headers: {}, body: bytes }, networks)
}

function entryV1(changes: Entry = {}): Entry {
  const { amount: maxAmountRequired, ...rest } = entry()
  return { ...rest, network: 'base-sepolia', maxAmountRequired, resource: `${url}`, ...changes }
}

function v1(...entries: Entry[]): Offers | undefined {
  return withBody(JSON.stringify({ x402Version: 1, error: 'Pay.', accepts: entries }))
}

const offer = {
  scheme: 'exact',
  network: 'eip155:84532',
  asset: asset.toLowerCase(),
  atomic: 10_000n,
  payee: payTo.toLowerCase(),
  validForSeconds: 60,
}

const none: Offers = { kind: 'offers', offers: [] }

function reasonOf(offers: Offers | undefined): unknown {
  return offers?.kind === 'invalid' ? offers.reason : offers
}

describe('a challenge of version 2', () => {
  test('offers what it asks for, in the form that the official package writes', () => {
    const accepted = { ...entry(), network: 'eip155:84532' as const } as never
    const header = encodePaymentRequiredHeader({
      x402Version: 2,
      error: 'Payment required',
      resource: { url: `${url}`, description: 'A report', mimeType: 'application/json' },
      accepts: [accepted],
      extensions: { bazaar: { info: {} } },
    })
    expect(decodePaymentRequiredHeader(header).accepts).toEqual([entry()])
    expect(withHeader(header)).toEqual({
      kind: 'offers',
      offers: [
        {
          ...offer,
          echo: { transport: 'http', version: 2, resourceUrl: `${url}`, accepted: entry() },
        },
      ],
    })
  })

  test('offers every entry that the rail supports, in its order', () => {
    const accepts = [entry(), entry({ network: 'eip155:8453', amount: '1' })]
    expect(v2({ accepts })).toMatchObject({
      offers: [
        { network: 'eip155:84532', atomic: 10_000n },
        { network: 'eip155:8453', atomic: 1n },
      ],
    })
  })

  test.each<[string, Entry]>([
    ['another scheme', { scheme: 'upto' }],
    ['another scheme, whatever its amount', { scheme: 'deferred', amount: 'as you like' }],
    ['a network that is not configured', { network: 'eip155:1' }],
    ['a network of another family', { network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' }],
    ['the name that version 1 has for a network', { network: 'base-sepolia' }],
    ['permit2', { extra: { name: 'USDC', version: '2', assetTransferMethod: 'permit2' } }],
    ['an unknown way to transfer', { extra: { assetTransferMethod: 'erc7710' } }],
    ['too short a validity', { maxTimeoutSeconds: 9 }],
  ])('leaves out %s', (_what, changes) => {
    expect(withEntry(changes)).toEqual(none)
    expect(v2({ accepts: [entry(changes), entry()] })).toMatchObject({ offers: [offer] })
  })

  test('takes EIP-3009 by name, and no extra at all', () => {
    const extra = { name: 'USDC', version: '2', assetTransferMethod: 'eip3009' }
    expect(withEntry({ extra })).toMatchObject({ offers: [offer] })
    expect(withEntry({ extra: undefined })).toMatchObject({ offers: [offer] })
    expect(withEntry({ extra: null })).toMatchObject({ offers: [offer] })
  })

  test.each([
    [10, 10],
    [119, 119],
    [120, 120],
    [121, 120],
    [315_360_000, 120],
    [Number.MAX_SAFE_INTEGER, 120],
  ])('a validity of %i s is offered as %i s, and echoed as it was', (asked, validForSeconds) => {
    expect(withEntry({ maxTimeoutSeconds: asked })).toMatchObject({
      offers: [{ validForSeconds, echo: { accepted: { maxTimeoutSeconds: asked } } }],
    })
  })

  test('takes amounts up to what a contract can move', () => {
    const most = 2n ** 256n - 1n
    expect(withEntry({ amount: `${most}` })).toMatchObject({ offers: [{ atomic: most }] })
    expect(withEntry({ amount: '1' })).toMatchObject({ offers: [{ atomic: 1n }] })
  })

  const tooMuch = `${2n ** 256n}`
  test.each([
    ...['0x2710', ' 10000', '10000 ', '', '0', '-1', '+1', '1e4', '10000.0', '010000'],
    ...['１００００', '١', '1_000', '1,000', '10000\n', 'NaN', tooMuch, '9'.repeat(79)],
    ...[10_000, null, true, ['10000'], { valueOf: '10000' }, undefined],
  ])('an amount of %j makes it invalid', (amount) => {
    expect(withEntry({ amount })).toMatchObject({ kind: 'invalid' })
  })

  test.each<[string, Entry]>([
    ['a payee that is too short', { payTo: '0x1234' }],
    ['a payee with a blank', { payTo: `${payTo} ` }],
    ['a payee by name', { payTo: 'vitalik.eth' }],
    ['no payee', { payTo: undefined }],
    ['the zero address as payee', { payTo: `0x${'0'.repeat(40)}` }],
    ['an asset by symbol', { asset: 'USDC' }],
    ['the zero address as asset', { asset: `0x${'0'.repeat(40)}` }],
    ['a validity of nothing', { maxTimeoutSeconds: 0 }],
    ['a validity below nothing', { maxTimeoutSeconds: -60 }],
    ['a validity of half seconds', { maxTimeoutSeconds: 60.5 }],
    ['a validity as text', { maxTimeoutSeconds: '60' }],
    ['an endless validity', { maxTimeoutSeconds: 1e300 }],
    ['a scheme that is no text', { scheme: ['exact'] }],
    ['a network that is no text', { network: 84_532 }],
    ['a network that is too long', { network: `eip155:${'9'.repeat(100)}` }],
    ['a way to transfer that is no text', { extra: { assetTransferMethod: ['eip3009'] } }],
    ['an extra that is no object', { extra: 'eip3009' }],
  ])('%s makes it invalid, whatever else it offers', (_what, changes) => {
    expect(withEntry(changes)).toMatchObject({ kind: 'invalid' })
    expect(v2({ accepts: [entry(), entry(changes)] })).toMatchObject({ kind: 'invalid' })
  })

  test.each<[string, Entry]>([
    ['no offers', { accepts: [] }],
    ['offers that are no list', { accepts: entry() }],
    ['an offer that is none', { accepts: [null] }],
    ['more offers than the bound', { accepts: Array(MAX_OFFERS + 1).fill(entry()) }],
    ['another version', { x402Version: 3 }],
    ['version 1 in the header', { x402Version: 1 }],
    ['a version as text', { x402Version: '2' }],
    ['no resource', { resource: undefined }],
    ['a resource without URL', { resource: {} }],
    ['a URL without end', { resource: { url: `${url}${'x'.repeat(2048)}` } }],
  ])('%s makes it invalid', (_what, changes) => {
    expect(v2(changes)).toMatchObject({ kind: 'invalid' })
  })

  test('takes as many offers as the bound', () => {
    const accepts = Array(MAX_OFFERS).fill(entry())
    const offers = v2({ accepts })
    expect(offers?.kind === 'offers' && offers.offers).toHaveLength(MAX_OFFERS)
  })

  test.each([
    ['nothing', ''],
    ['no base64', '*** not base64 ***'],
    ['two headers, joined', `${base64('{}')}, ${base64('{}')}`],
    ['base64 without its padding', base64(JSON.stringify({ a: 1 })).replace(/=+$/, '')],
    ['base64 with a line break', `${base64('{"x402Version":2}')}\n`],
    ['base64 that hides bits', 'e31='],
    ['broken UTF-8', Buffer.from([0x7b, 0xff, 0x7d]).toString('base64')],
    ['no JSON', base64('{"x402Ver')],
    ['no object', base64('null')],
    ['more than the bound', base64(`"${'x'.repeat(40_000)}"`)],
    ['JSON of great depth', base64('['.repeat(10_000) + ']'.repeat(10_000))],
  ])('a header of %s makes it invalid', (_what, header) => {
    expect(withHeader(header)).toMatchObject({ kind: 'invalid' })
  })

  test('a key that changes what objects are makes it invalid', () => {
    const hostile = JSON.stringify({
      x402Version: 2,
      resource: { url: `${url}` },
      accepts: [entry({ extra: { name: 'USDC', PROTO: { assetTransferMethod: 'permit2' } } })],
    }).replace('PROTO', '__proto__')
    expect(withHeader(base64(hostile))).toMatchObject({ kind: 'invalid' })
    expect(({} as { assetTransferMethod?: string }).assetTransferMethod).toBe(undefined)
  })

  test('of a key that is given twice only the last counts, offered and echoed alike', () => {
    const twice = JSON.stringify({
      x402Version: 2,
      resource: { url: `${url}` },
      accepts: [entry()],
    }).replace('"amount":', '"amount":"1","amount":')
    expect(withHeader(base64(twice))).toMatchObject({
      offers: [{ atomic: 10_000n, echo: { accepted: { amount: '10000' } } }],
    })
  })

  test('a broken header is never replaced by the body', () => {
    const body = new TextEncoder().encode(JSON.stringify({ x402Version: 1, accepts: [entryV1()] }))
    const challenge: Challenge = { url, status: 402, headers: { 'payment-required': '!' }, body }
    expect(readChallenge(challenge, networks)).toMatchObject({ kind: 'invalid' })
  })

  test('says what is wrong', () => {
    expect(reasonOf(withHeader('!'))).toBe('The header payment-required is not base64.')
    expect(reasonOf(withEntry({ amount: '0x2710' }))).toBe(
      'In the challenge, amount: must be a positive whole number in decimal digits.',
    )
    expect(reasonOf(v2({ resource: { url: 'https://bank.example/' } }))).toBe(
      'The resource is not on api.example.com.',
    )
  })
})

describe('the host of the resource', () => {
  test.each([
    'https://api.example.com/report?page=1',
    'https://api.example.com/another/path',
    'http://api.example.com/report',
    'https://API.example.com/',
    'https://api.example.com:443/',
    '/report',
    'report',
  ])('%s is where the guard dialled', (resourceUrl) => {
    expect(v2({ resource: { url: resourceUrl } })).toMatchObject({ offers: [offer] })
    expect(v1(entryV1({ resource: resourceUrl }))).toMatchObject({ offers: [offer] })
  })

  test.each([
    'https://bank.example/statement',
    'https://api.example.com.evil.example/',
    'https://api.example.com@evil.example/',
    'https://api.example.com:8443/',
    'https://example.com/',
    'ftp://evil.example/',
    'data:text/plain,api.example.com',
  ])('%s is another one', (resourceUrl) => {
    expect(v2({ resource: { url: resourceUrl } })).toMatchObject({ kind: 'invalid' })
    expect(v1(entryV1(), entryV1({ resource: resourceUrl }))).toMatchObject({ kind: 'invalid' })
  })
})

describe('a challenge of version 1', () => {
  test('offers what its body asks for', () => {
    const echo = { transport: 'http', version: 1, scheme: 'exact', network: 'base-sepolia' }
    expect(v1(entryV1())).toEqual({ kind: 'offers', offers: [{ ...offer, echo }] })
  })

  test('knows networks by name and by CAIP-2 id, and leaves out others', () => {
    expect(
      v1(
        entryV1({ network: 'base' }),
        entryV1({ network: 'eip155:84532' }),
        entryV1({ network: 'polygon' }),
        entryV1({ network: 'solana' }),
        entryV1({ scheme: 'upto' }),
        entryV1({ maxTimeoutSeconds: 5 }),
      ),
    ).toMatchObject({
      offers: [
        { network: 'eip155:8453', echo: { network: 'base' } },
        { network: 'eip155:84532', echo: { network: 'eip155:84532' } },
      ],
    })
  })

  test.each<[string, Entry]>([
    ['a hexadecimal amount', { maxAmountRequired: '0x2710' }],
    ['the amount of version 2', { maxAmountRequired: undefined, amount: '10000' }],
    ['no resource', { resource: undefined }],
    ['a payee by name', { payTo: 'vitalik.eth' }],
    ['a validity below nothing', { maxTimeoutSeconds: -1 }],
  ])('%s makes it invalid', (_what, changes) => {
    expect(v1(entryV1(), entryV1(changes))).toMatchObject({ kind: 'invalid' })
  })

  test('is bounded', () => {
    expect(v1(...Array(MAX_OFFERS).fill(entryV1()))).toMatchObject({ kind: 'offers' })
    expect(v1(...Array(MAX_OFFERS + 1).fill(entryV1()))).toMatchObject({ kind: 'invalid' })
    const challenge = JSON.stringify({ x402Version: 1, accepts: [entryV1()] })
    expect(withBody(challenge.padEnd(MAX_BODY_BYTES))).toMatchObject({ offers: [offer] })
    expect(withBody(challenge.padEnd(MAX_BODY_BYTES + 1))).toMatchObject({ kind: 'invalid' })
    const filler = 'x'.repeat(MAX_BODY_BYTES)
    expect(withBody(`{"x402Version":1,"error":"${filler}","accepts":[]}`)).toMatchObject({
      kind: 'invalid',
    })
  })

  test('version 2 does not belong in the body', () => {
    const body = JSON.stringify({ x402Version: 2, resource: { url: `${url}` }, accepts: [entry()] })
    expect(withBody(body)).toMatchObject({ kind: 'invalid' })
  })

  test('is none without 402, or when the body speaks of something else', () => {
    expect(withBody(JSON.stringify({ x402Version: 1, accepts: [entryV1()] }), 200)).toBe(undefined)
    expect(withBody('')).toBe(undefined)
    expect(withBody('<html>Pay me.</html>')).toBe(undefined)
    expect(withBody('{"error":"Pay me."}')).toBe(undefined)
    expect(withBody(new Uint8Array([0xff, 0xfe]))).toBe(undefined)
    expect(withBody('x'.repeat(MAX_BODY_BYTES + 1))).toBe(undefined)
  })
})
