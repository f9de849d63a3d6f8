import { type Challenge, type Offers, pinnedAssets } from '@bursar/core'
import { decodePaymentRequiredHeader, encodePaymentRequiredHeader } from '@x402/core/http'
import { describe, expect, test } from 'vitest'
import { MAX_ENTRIES, readChallenge } from './challenge.ts'
import { MAX_BODY_BYTES } from './payment-required.ts'

const url = new URL('https://api.example.com/report?page=1')
const asset = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const baseUsdc = '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913'
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
    pinnedAssets,
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
  return readChallenge({ url, status, headers: {}, body: bytes }, networks, pinnedAssets)
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

const none = { kind: 'offers', offers: [], leftOut: [expect.any(String)] }

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
          echo: {
            transport: 'http',
            version: 2,
            resourceUrl: `${url}`,
            accepted: entry(),
            extensions: { bazaar: { info: {} } },
          },
        },
      ],
      leftOut: [],
    })
  })

  test('offers every entry that the rail supports, in its order', () => {
    const accepts = [
      entry(),
      entry({
        network: 'eip155:8453',
        amount: '1',
        asset: baseUsdc,
        extra: { name: 'USD Coin', version: '2' },
      }),
    ]
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
    ['no scheme', { scheme: undefined }],
    ['a scheme that is no text', { scheme: ['exact'] }],
    ['a network that is a number', { network: 84_532 }],
    ['a network that is too long', { network: `eip155:${'9'.repeat(100)}` }],
    ['the name of another token', { extra: { name: 'USD Coin', version: '2' } }],
    ['another version of the token', { extra: { name: 'USDC', version: '1' } }],
    ['no name and version', { extra: {} }],
    ['a version alone', { extra: { version: '2' } }],
    ['no extra at all', { extra: undefined }],
    ['an extra of null', { extra: null }],
    [
      'another contract that verifies',
      { extra: { name: 'USDC', version: '2', verifyingContract: payTo } },
    ],
    [
      'a gateway that batches',
      { extra: { name: 'GatewayWalletBatched', version: '1', verifyingContract: payTo } },
    ],
  ])('leaves out %s', (_what, changes) => {
    expect(withEntry(changes)).toEqual(none)
    expect(v2({ accepts: [entry(changes), entry()] })).toMatchObject({ offers: [offer] })
  })

  test('takes EIP-3009 by name, and the token as the contract that verifies', () => {
    const extra = { name: 'USDC', version: '2', assetTransferMethod: 'eip3009' }
    expect(withEntry({ extra })).toMatchObject({ offers: [offer] })
    const verifying = { ...extra, verifyingContract: asset.toUpperCase().replace('0X', '0x') }
    expect(withEntry({ extra: verifying })).toMatchObject({ offers: [offer] })
  })

  test('an asset that is not pinned is offered whatever its name: the core refuses it', () => {
    expect(withEntry({ asset: payTo, extra: {} })).toMatchObject({
      offers: [{ asset: payTo.toLowerCase() }],
    })
  })

  test('a safe integer is an amount, and goes back as it came', () => {
    expect(withEntry({ amount: 10_000 })).toMatchObject({
      offers: [{ atomic: 10_000n, echo: { accepted: { amount: 10_000 } } }],
    })
  })

  test('two names for the amount have to agree', () => {
    expect(withEntry({ maxAmountRequired: '10000' })).toMatchObject({ offers: [offer] })
    expect(reasonOf(withEntry({ maxAmountRequired: '1' }))).toBe(
      'In the challenge, amount: it differs from maxAmountRequired.',
    )
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
    ...[10_000.5, -1, 0, 2 ** 53, null, true, ['10000'], { valueOf: '10000' }, undefined],
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
    ['a way to transfer that is no text', { extra: { assetTransferMethod: ['eip3009'] } }],
    ['an extra that is no object', { extra: 'eip3009' }],
  ])('%s makes it invalid, whatever else it offers', (_what, changes) => {
    expect(withEntry(changes)).toMatchObject({ kind: 'invalid' })
    expect(v2({ accepts: [entry(), entry(changes)] })).toMatchObject({ kind: 'invalid' })
  })

  test.each<[string, Entry]>([
    ['no offers', { accepts: [] }],
    ['offers that are no list', { accepts: entry() }],
    ['another version', { x402Version: 3 }],
    ['a version as text', { x402Version: '2' }],
    ['a resource without URL', { resource: {} }],
    ['a URL without end', { resource: { url: `${url}${'x'.repeat(2048)}` } }],
  ])('%s makes it invalid', (_what, changes) => {
    expect(v2(changes)).toMatchObject({ kind: 'invalid' })
  })

  test('reads the first fifty entries, one by one, and counts the rest', () => {
    const foreign = [null, 'exact', {}, { scheme: 'exact', network: 84_532 }]
    const accepts = [...foreign, ...Array(MAX_ENTRIES).fill(entry())]
    const offers = v2({ accepts })
    expect(offers?.kind === 'offers' && offers.offers).toHaveLength(MAX_ENTRIES - foreign.length)
    expect(offers).toMatchObject({
      leftOut: [
        'entry 1: it names no scheme and network',
        'entry 2: it names no scheme and network',
        'entry 3: it names no scheme and network',
        'entry 4: it names no scheme and network',
        '4 more entries were left out or not read',
      ],
    })
  })

  test('names ten entries that are left out', () => {
    const offers = v2({ accepts: [...Array(20).fill(null), entry()] })
    expect(offers).toMatchObject({ offers: [offer] })
    const leftOut = offers?.kind === 'offers' ? offers.leftOut : []
    expect(leftOut).toHaveLength(11)
    expect(leftOut.at(-1)).toBe('10 more entries were left out or not read')
  })

  test('needs no resource, and gives none back then', () => {
    for (const resource of [undefined, null]) {
      const offers = v2({ resource })
      expect(offers).toMatchObject({ offers: [offer] })
      expect(offers?.kind === 'offers' && offers.offers[0]?.echo).not.toHaveProperty('resourceUrl')
    }
  })

  test('comes in the header X-PAYMENT-REQUIRED, or in the body alone, too', () => {
    const required = JSON.stringify({ x402Version: 2, accepts: [entry()] })
    const body = new TextEncoder().encode('{}')
    const headers = { 'x-payment-required': base64(required) }
    const challenge: Challenge = { url, status: 402, headers, body }
    expect(readChallenge(challenge, networks, pinnedAssets)).toMatchObject({ offers: [offer] })
    expect(withBody(required)).toMatchObject({ offers: [{ ...offer, echo: { version: 2 } }] })
  })

  test.each(['', '?', '??'])('is read in URL-safe base64 and without padding (%j)', (filler) => {
    const required = { x402Version: 2, error: `Pay ÿÿÿ ${filler}`, accepts: [entry()] }
    const header = base64(JSON.stringify(required))
    expect(header).toMatch(/[+/]/)
    expect(withHeader(header.replaceAll('+', '-').replaceAll('/', '_'))).toMatchObject({
      offers: [offer],
    })
    expect(withHeader(header.replace(/=+$/, ''))).toMatchObject({ offers: [offer] })
  })

  test.each([
    ['nothing', ''],
    ['no base64', '*** not base64 ***'],
    ['two headers, joined', `${base64('{}')}, ${base64('{}')}`],
    ['base64 with padding inside', 'e30=e30='],
    ['base64 with too much padding', 'e30==='],
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

  test.each([
    ['"amount":', '"amount":"1","amount":'],
    ['"payTo":', `"payTo":"${asset}","payTo":`],
    ['"x402Version":', '"x402Version":2,"x402Version":'],
    ['"payTo":', '"pay\\u0054o":"x","payTo":'],
  ])('a key that is given twice makes it invalid (%s)', (once, twice) => {
    const text = JSON.stringify({ x402Version: 2, note: 'a: "b":', accepts: [entry()] })
    expect(withHeader(base64(text))).toMatchObject({ offers: [offer] })
    expect(withHeader(base64(text.replace(once, twice)))).toMatchObject({ kind: 'invalid' })
  })

  test('a broken header is never replaced by the body', () => {
    const body = new TextEncoder().encode(JSON.stringify({ x402Version: 1, accepts: [entryV1()] }))
    const challenge: Challenge = { url, status: 402, headers: { 'payment-required': '!' }, body }
    expect(readChallenge(challenge, networks, pinnedAssets)).toMatchObject({ kind: 'invalid' })
  })

  test('says what is wrong', () => {
    expect(reasonOf(withHeader('!'))).toBe('The header payment-required is not base64.')
    expect(reasonOf(withEntry({ amount: '0x2710' }))).toBe(
      'In the challenge, amount: must be a positive whole number in decimal digits.',
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
  ])('%s is another one, which is told', (resourceUrl) => {
    const { host, protocol } = new URL(resourceUrl)
    const claimed = { offers: [{ ...offer, claimedHost: host || protocol }] }
    expect(v2({ resource: { url: resourceUrl } })).toMatchObject(claimed)
    expect(v1(entryV1({ resource: resourceUrl }))).toMatchObject(claimed)
  })

  test('is told in punycode', () => {
    expect(v2({ resource: { url: 'https://bänk.example/' } })).toMatchObject({
      offers: [{ claimedHost: 'xn--bnk-qla.example' }],
    })
  })

  test('is told of none where it is the one that was dialled', () => {
    const offers = v2({})
    expect(offers?.kind === 'offers' && offers.offers[0]).not.toHaveProperty('claimedHost')
  })
})

describe('a challenge of version 1', () => {
  test('offers what its body asks for', () => {
    const echo = { transport: 'http', version: 1, scheme: 'exact', network: 'base-sepolia' }
    expect(v1(entryV1())).toEqual({
      kind: 'offers',
      offers: [{ ...offer, echo }],
      leftOut: [],
    })
  })

  test('knows networks by name and by CAIP-2 id, and leaves out others', () => {
    expect(
      v1(
        entryV1({
          network: 'base',
          asset: baseUsdc,
          extra: { name: 'USD Coin', version: '2' },
        }),
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
    ['a payee by name', { payTo: 'vitalik.eth' }],
    ['a validity below nothing', { maxTimeoutSeconds: -1 }],
  ])('%s makes it invalid', (_what, changes) => {
    expect(v1(entryV1(), entryV1(changes))).toMatchObject({ kind: 'invalid' })
  })

  test('is bounded', () => {
    const challenge = JSON.stringify({ x402Version: 1, accepts: [entryV1()] })
    expect(withBody(challenge.padEnd(MAX_BODY_BYTES))).toMatchObject({ offers: [offer] })
    expect(withBody(challenge.padEnd(MAX_BODY_BYTES + 1))).toMatchObject({ kind: 'invalid' })
    const filler = 'x'.repeat(MAX_BODY_BYTES)
    expect(withBody(`{"x402Version":1,"error":"${filler}","accepts":[]}`)).toMatchObject({
      kind: 'invalid',
    })
  })

  test('needs no resource', () => {
    expect(v1(entryV1({ resource: undefined }))).toMatchObject({ offers: [offer] })
  })

  test('in the header gives way to the body, and is read where the body has none', () => {
    const header = base64(JSON.stringify({ x402Version: 1, accepts: [entryV1()] }))
    expect(withHeader(header)).toMatchObject({ offers: [{ ...offer, echo: { version: 1 } }] })
    const cheaper = entryV1({ maxAmountRequired: '1' })
    const body = new TextEncoder().encode(JSON.stringify({ x402Version: 1, accepts: [cheaper] }))
    const challenge: Challenge = { url, status: 402, headers: { 'payment-required': header }, body }
    expect(readChallenge(challenge, networks, pinnedAssets)).toMatchObject({
      offers: [{ atomic: 1n }],
    })
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
