import {
  type Authorization,
  type HttpPayload,
  type Offer,
  pinnedAssets,
  type SignRequest,
} from '@bursar/core'
import { decodePaymentSignatureHeader, encodePaymentRequiredHeader } from '@x402/core/http'
import { x402ResourceServer } from '@x402/core/server'
import type { PaymentRequirements } from '@x402/core/types'
import { describe, expect, test } from 'vitest'
import { type Echo, readChallenge } from './challenge.ts'
import { makePayload } from './payload.ts'

const url = new URL('https://api.example.com/report')
const signature = `0x${'5a'.repeat(65)}` as const
const payTo = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
const asset = pinnedAssets.find(({ network }) => network === 'eip155:84532')
if (!asset) throw new Error('Base Sepolia has no pinned asset.')

const requirements: PaymentRequirements = {
  scheme: 'exact',
  network: 'eip155:84532',
  amount: '10000',
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  payTo,
  maxTimeoutSeconds: 315_360_000,
  extra: { name: 'USDC', version: '2', nested: { list: [1, 'two', null] } },
}

function offerOf(accepts: readonly PaymentRequirements[]): Offer {
  const resource = { url: `${url}`, description: 'A report' }
  const header = encodePaymentRequiredHeader({ x402Version: 2, resource, accepts: [...accepts] })
  const challenge = {
    url,
    status: 402,
    headers: { 'payment-required': header },
    body: new Uint8Array(),
  }
  const offers = readChallenge(challenge, ['eip155:84532'], pinnedAssets)
  const [offer] = offers?.kind === 'offers' ? offers.offers : []
  if (!offer) throw new Error('The challenge has no offer.')
  return offer
}

function authorizationOf(changes: Partial<Authorization['terms']> = {}): Authorization {
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
      ...changes,
    },
    asset,
    payer: '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
    nonce: `0x${'ab'.repeat(32)}`,
    validBefore: 1_900_000_000,
  }
}

const signed = {
  from: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
  to: payTo,
  value: '10000',
  validAfter: '0',
  validBefore: '1900000000',
  nonce: `0x${'ab'.repeat(32)}`,
}

const sign = async (): Promise<typeof signature> => signature

/** Makes the payload for a challenge over HTTP. */
async function httpPayload(...given: Parameters<typeof makePayload>): Promise<HttpPayload> {
  const proof = await makePayload(...given)
  if ('headers' in proof) return proof
  throw new Error('The proof is not for HTTP.')
}

describe('a proof of version 2', () => {
  test('holds what was signed, and is taken by the official server', async () => {
    const { headers } = await httpPayload(
      authorizationOf(),
      offerOf([requirements]).echo as Echo,
      sign,
    )
    expect(Object.keys(headers)).toEqual(['payment-signature'])
    const payload = decodePaymentSignatureHeader(headers['payment-signature'] ?? '')
    expect(payload).toEqual({
      x402Version: 2,
      resource: { url: `${url}` },
      accepted: requirements,
      payload: { signature, authorization: signed },
    })
    const other = { ...requirements, amount: '20000' }
    const server = new x402ResourceServer()
    expect(server.findMatchingRequirements([other, requirements], payload)).toEqual(requirements)
    expect(server.findMatchingRequirements([other], payload)).toBe(undefined)
  })

  test('is signed in the domain of the pinned asset, never of the challenge', async () => {
    const requests: SignRequest[] = []
    await makePayload(authorizationOf(), offerOf([requirements]).echo as Echo, async (request) => {
      requests.push(request)
      return signature
    })
    expect(requests).toEqual([
      {
        kind: 'transfer-authorization',
        family: 'evm',
        token: {
          chainId: 84_532,
          address: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
          name: 'USDC',
          version: '2',
        },
        from: '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
        to: payTo.toLowerCase(),
        value: 10_000n,
        validAfter: 0n,
        validBefore: 1_900_000_000n,
        nonce: `0x${'ab'.repeat(32)}`,
      },
    ])
  })
})

describe('a proof of version 1', () => {
  test('names scheme and network as the challenge did', async () => {
    const echo: Echo = { transport: 'http', version: 1, scheme: 'exact', network: 'base-sepolia' }
    const { headers } = await httpPayload(authorizationOf(), echo, sign)
    expect(Object.keys(headers)).toEqual(['x-payment'])
    expect(decodePaymentSignatureHeader(headers['x-payment'] ?? '')).toEqual({
      x402Version: 1,
      scheme: 'exact',
      network: 'base-sepolia',
      payload: { signature, authorization: signed },
    })
  })

  test('is not made for the network of another name', async () => {
    const echo: Echo = { transport: 'http', version: 1, scheme: 'exact', network: 'base' }
    await expect(makePayload(authorizationOf(), echo, sign)).rejects.toMatchObject({
      code: 'invariant_broken',
    })
  })
})

describe('terms that are not what was offered', () => {
  async function expectUnsigned(authorization: Authorization, offered = requirements) {
    const requests: SignRequest[] = []
    const proof = makePayload(authorization, offerOf([offered]).echo as Echo, async (request) => {
      requests.push(request)
      return signature
    })
    await expect(proof).rejects.toMatchObject({ code: 'invariant_broken' })
    expect(requests).toEqual([])
  }

  const other = `0x${'1'.repeat(40)}`

  test.each<[string, Partial<Authorization['terms']>]>([
    ['amount', { atomic: 10_001n }],
    ['payee', { payee: other }],
    ['asset', { asset: other }],
    ['network', { network: 'eip155:8453' }],
    ['scheme', { scheme: 'upto' }],
  ])('are never signed: another %s', async (_what, changes) => {
    await expectUnsigned(authorizationOf(changes))
  })

  test('are never signed: an asset that is not the one of the terms', async () => {
    const authorization = authorizationOf()
    const { asset } = authorization
    await expectUnsigned({ ...authorization, asset: { ...asset, address: other } })
    await expectUnsigned({ ...authorization, asset: { ...asset, network: 'eip155:8453' } })
    await expectUnsigned(authorization, { ...requirements, asset: other })
  })
})

describe('a header that grows when it is written again', () => {
  /** An entry that is short in the challenge and many times longer when written again. */
  function grownBy(numbers: number): Echo {
    const list = Array.from({ length: numbers }, () => 1e20)
    return {
      ...echoV2,
      accepted: { ...echoV2.accepted, extra: { name: 'USDC', version: '2', list } },
    }
  }
  const echoV2 = offerOf([requirements]).echo as Echo & { version: 2 }

  test('is refused before anything is signed', async () => {
    const text = JSON.stringify({
      ...requirements,
      extra: { name: 'USDC', version: '2', list: [] },
    })
    const small = text.replace('[]', `[${Array(4_500).fill('1e20').join(',')}]`)
    const accepts = `{"x402Version":2,"resource":{"url":"${url}"},"accepts":[${small}]}`
    const headers = { 'payment-required': Buffer.from(accepts).toString('base64') }
    const challenge = { url, status: 402, headers, body: new Uint8Array() }
    const offers = readChallenge(challenge, ['eip155:84532'], pinnedAssets)
    const echo = (offers?.kind === 'offers' ? offers.offers[0]?.echo : undefined) as Echo
    expect(echo).toEqual(grownBy(4_500))
    const requests: SignRequest[] = []
    const proof = makePayload(authorizationOf(), echo, async (request) => {
      requests.push(request)
      return signature
    })
    await expect(proof).rejects.toMatchObject({
      code: 'proof_too_long',
      message: expect.stringMatching(
        /^The payment header would have \d+ characters, over 16384\. /,
      ),
    })
    expect(requests).toEqual([])
  })

  test('is sent up to the bound, which the signature is not counted in', async () => {
    const long = `0x${'5a'.repeat(4_096)}` as const
    const lengthOf = async (numbers: number): Promise<number> => {
      const { headers } = await httpPayload(authorizationOf(), grownBy(numbers), async () => long)
      return headers['payment-signature']?.length ?? 0
    }
    expect(await lengthOf(500)).toBeLessThan(32_768)
    await expect(lengthOf(550)).rejects.toMatchObject({ code: 'proof_too_long' })
  })
})
