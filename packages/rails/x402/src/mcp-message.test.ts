import { type Authorization, type McpPayload, type Offers, pinnedAssets } from '@bursar/core'
import { x402ResourceServer } from '@x402/core/server'
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types'
import { describe, expect, test } from 'vitest'
import { type Echo, readChallenge } from './challenge.ts'
import { readClaim } from './claim.ts'
import { makePayload } from './payload.ts'

const url = new URL('mcp://tools.example.com/analyze')
const payTo = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
const payer = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
const signature = `0x${'5a'.repeat(65)}` as const

const requirements: PaymentRequirements = {
  scheme: 'exact',
  network: 'eip155:84532',
  amount: '10000',
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  payTo,
  maxTimeoutSeconds: 60,
  extra: { name: 'USDC', version: '2' },
}

/** The resource of the official server, which names the tool and no host. */
const required = await new x402ResourceServer().createPaymentRequiredResponse(
  [requirements],
  { url: 'mcp://tool/analyze', description: 'An analysis', mimeType: 'application/json' },
  'Payment required',
)

const text = (value: unknown) => [{ type: 'text', text: JSON.stringify(value) }]
const wrapped = { 'x402/error': { code: 402, message: 'Payment required', data: required } }

function offersOf(message: unknown): Offers | undefined {
  return readChallenge({ url, message }, ['eip155:84532'], pinnedAssets)
}

function authorizationOf(): Authorization {
  const asset = pinnedAssets.find(({ network }) => network === 'eip155:84532')
  if (!asset) throw new Error('Base Sepolia has no pinned asset.')
  return {
    paymentId: 'payment-1',
    terms: {
      rail: 'x402',
      scheme: 'exact',
      network: asset.network,
      asset: asset.address,
      currency: 'USD',
      atomic: 10_000n,
      amountMicro: 10_000n,
      payee: payTo.toLowerCase(),
      host: url.host,
      requestHash: '00',
    },
    asset,
    payer,
    nonce: `0x${'ab'.repeat(32)}`,
    validBefore: 1_900_000_000,
  }
}

describe('a challenge over MCP', () => {
  test.each([
    ['the structured content', { result: { isError: true, structuredContent: required } }],
    ['its wrapper', { result: { isError: true, structuredContent: wrapped } }],
    ['the text', { result: { isError: true, content: text(required) } }],
    ['the wrapped text', { result: { isError: true, content: text(wrapped) } }],
    ['an error 402', { error: { code: 402, message: 'Payment required', data: required } }],
  ])('is read from %s', (_where, message) => {
    expect(offersOf(message)).toMatchObject({
      kind: 'offers',
      offers: [{ atomic: 10_000n, payee: payTo.toLowerCase(), validForSeconds: 60 }],
    })
  })

  test.each([
    ['a normal result', { result: { structuredContent: required, content: text(required) } }],
    ['a result that says it is none', { result: { isError: false, content: text(required) } }],
    ['a later text', { result: { isError: true, content: [...text('sorry'), ...text(required)] } }],
    ['an error of another code', { error: { code: -32_603, data: required } }],
    ['an error with nothing in it', { result: { isError: true } }],
    ['no message', undefined],
    ['the challenge itself', required],
  ])('is not %s', (_what, message) => {
    expect(offersOf(message)).toBeUndefined()
  })

  test.each([
    ['an unknown version', { ...required, x402Version: 3 }],
    ['no version', { ...required, x402Version: null }],
    ['an amount in hex', { ...required, accepts: [{ ...requirements, amount: '0x2710' }] }],
    ['more than its length', { ...required, error: 'x'.repeat(40_000) }],
    ['the key __proto__', { ...required, extensions: JSON.parse('{"__proto__":{"a":1}}') }],
  ])('is invalid with %s', (_what, structuredContent) => {
    expect(offersOf({ result: { isError: true, structuredContent } })).toMatchObject({
      kind: 'invalid',
    })
  })
})

describe('a proof over MCP', () => {
  test('goes into the `_meta` of the call, as the official server takes it', async () => {
    const offers = offersOf({ result: { isError: true, structuredContent: required } })
    const [offer] = offers?.kind === 'offers' ? offers.offers : []
    const proof = await makePayload(authorizationOf(), offer?.echo as Echo, async () => signature)
    const { meta } = proof as McpPayload
    expect(Object.keys(meta)).toEqual(['x402/payment'])
    const payload = meta['x402/payment'] as PaymentPayload
    expect(payload).toMatchObject({ x402Version: 2, payload: { signature } })
    const server = new x402ResourceServer()
    expect(server.findMatchingRequirements([requirements], payload)).toEqual(requirements)
  })
})

describe('a claim over MCP', () => {
  const transaction = `0x${'12'.repeat(32)}`
  const success = { success: true, transaction, network: 'eip155:84532', payer }
  const failure = {
    success: false,
    errorReason: 'insufficient_funds',
    transaction: '',
    network: '',
  }
  const claimed = (claim: unknown) => ({
    result: { content: [], _meta: { 'x402/payment-response': claim } },
  })

  test.each([
    ['a success', claimed(success), 'settled'],
    ['a success of another payer', claimed({ ...success, payer: payTo }), 'unknown'],
    ['a success on another network', claimed({ ...success, network: 'eip155:1' }), 'unknown'],
    ['what is no claim', claimed('paid'), 'unknown'],
    ['nothing', { result: { content: [] } }, 'unknown'],
    [
      'a success where a normal result has its data',
      { result: { structuredContent: { 'x402/payment-response': success } } },
      'unknown',
    ],
    ['an error', { error: { code: -32_603, message: 'failed' } }, 'unknown'],
    ['a second challenge', { result: { isError: true, structuredContent: required } }, 'refused'],
    [
      'a failure',
      {
        result: {
          isError: true,
          structuredContent: { ...required, 'x402/payment-response': failure },
        },
      },
      'refused',
    ],
  ])('%s', (_what, message, outcome) => {
    expect(readClaim({ message }, authorizationOf()).outcome).toBe(outcome)
  })
})
