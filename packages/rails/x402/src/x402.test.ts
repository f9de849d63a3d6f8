import { readdirSync, readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import {
  type Asset,
  BursarError,
  type Claim,
  findAsset,
  type HttpChallenge,
  type HttpPayload,
  type Offer,
  type OpenPayment,
  pinnedAssets,
  type Rail,
  type SignRequest,
} from '@bursar/core'
import { type RailWorld, testRail } from '@bursar/core/testing'
import { type Merchant, type Sandbox, startSandbox } from '@bursar/sandbox'
import { viemWallet } from '@bursar/wallet-viem'
import { encodePaymentRequiredHeader, encodePaymentResponseHeader } from '@x402/core/http'
import type { PaymentRequirements } from '@x402/core/types'
import { DEFAULT_ASSETS } from '@x402/evm'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type X402Options, x402 } from './x402.ts'

function messageOf(options: unknown): unknown {
  try {
    return x402(options as X402Options)
  } catch (error) {
    return BursarError.isInstance(error) && error.code === 'invalid_input' ? error.message : error
  }
}

const key = "must be a key such as 'eip155:8453'"
const url = 'must be an http or https URL'

describe('the options of the rail', () => {
  test('name networks, and endpoints that may be private', () => {
    const rail = x402({
      networks: {
        'eip155:8453': { rpcUrl: 'https://rpc.example/v2/a-secret' },
        'eip155:31337': { rpcUrl: 'http://127.0.0.1:8545' },
      },
    })
    expect(rail.name).toBe('x402')
    expect(rail.networks).toEqual(['eip155:8453', 'eip155:31337'])
    expect(inspect(rail, { depth: 9, showHidden: true })).not.toContain('a-secret')
  })

  test.each<[unknown, string]>([
    [undefined, 'x402: its argument: '],
    [{}, 'x402: networks: '],
    [{ networks: {} }, 'x402: networks: must name at least one network.'],
    [{ networks: { base: { rpcUrl: 'https://rpc.example' } } }, `x402: networks.base: `],
    [{ networks: { 'eip155:0': { rpcUrl: 'https://rpc.example' } } }, 'x402: networks.eip155:0: '],
    [{ networks: { 'eip155:1': {} } }, 'x402: networks.eip155:1.rpcUrl: '],
    [
      { networks: { 'eip155:1': { rpcUrl: 'rpc.example' } } },
      `x402: networks.eip155:1.rpcUrl: ${url}.`,
    ],
    [
      { networks: { 'eip155:1': { rpcUrl: 'file:///etc' } } },
      `x402: networks.eip155:1.rpcUrl: ${url}.`,
    ],
    [{ networks: { 'eip155:1': { rpcUrl: [] } } }, 'x402: networks.eip155:1.rpcUrl: '],
    [
      { networks: { 'eip155:1': { rpcUrl: ['https://a.example', 'https://a.example/'] } } },
      'x402: networks.eip155:1.rpcUrl: names an endpoint twice.',
    ],
    [
      {
        networks: { 'eip155:1': { rpcUrl: [1, 2, 3, 4, 5, 6].map((n) => `https://${n}.example`) } },
      },
      'x402: networks.eip155:1.rpcUrl: ',
    ],
    [
      { networks: { 'eip155:1': { rpcUrl: 'https://a.example', key: 1 } } },
      'x402: networks.eip155:1: ',
    ],
    [
      { networks: { 'eip155:1': { rpcUrl: 'https://a.example' } }, network: 1 },
      'x402: its argument: ',
    ],
    [
      { networks: { 'eip155:1': { rpcUrl: 'https://a.example', relayer: { address: '0x00' } } } },
      'x402: networks.eip155:1.relayer: must be an account that signs transactions.',
    ],
  ])('%j are refused', (options, message) => {
    expect(messageOf(options)).toContain(message)
  })

  test('say how a network is named', () => {
    expect(messageOf({ networks: { base: { rpcUrl: 'https://rpc.example' } } })).toContain(key)
  })
})

test('a network that is not configured is an error', async () => {
  const rail = x402({ networks: { 'eip155:1': { rpcUrl: 'https://rpc.example' } } })
  const elsewhere = { network: 'eip155:8453' } as Asset
  await expect(rail.balance(elsewhere, '0x00')).rejects.toMatchObject({ code: 'network_unknown' })
  const payment = { asset: elsewhere } as OpenPayment
  await expect(rail.reconcile(payment)).rejects.toMatchObject({ code: 'network_unknown' })
})

test('viem is loaded when the rail is used, not when it is imported', () => {
  const sources = readdirSync(import.meta.dirname).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )
  expect(sources).toContain('x402.ts')
  for (const source of sources) {
    const text = readFileSync(`${import.meta.dirname}/${source}`, 'utf8')
    expect(text.replaceAll(/^import type .*$/gm, '')).not.toMatch(/from 'viem/)
  }
})

describe('the pinned assets', () => {
  test.each(pinnedAssets)('$symbol on $network is what the official package knows', (asset) => {
    const known = DEFAULT_ASSETS[asset.network as keyof typeof DEFAULT_ASSETS]?.find(
      (one) => one.symbol === asset.symbol,
    )
    expect(known).toBeDefined()
    expect({ ...known, asset: known?.asset.toLowerCase() }).toEqual({
      asset: asset.address,
      symbol: asset.symbol,
      decimals: asset.decimals,
      name: asset.name,
      version: asset.version,
    })
  })

  test('no pinned asset moves by anything but EIP-3009', () => {
    const others = Object.entries(DEFAULT_ASSETS).flatMap(([network, assets]) =>
      assets
        .filter((asset) => asset.assetTransferMethod !== undefined)
        .map((asset) => findAsset(pinnedAssets, network, asset.asset)),
    )
    expect(others.length).toBeGreaterThan(0)
    expect(others.filter(Boolean)).toEqual([])
  })
})

let sandbox: Sandbox
let rail: Rail
let asset: Asset
let paymentsMade = 0

beforeAll(async () => {
  sandbox = await startSandbox()
  const { network, rpcUrl } = sandbox
  rail = x402({ networks: { [network]: { rpcUrl } } })
  asset = { ...sandbox.asset, address: sandbox.asset.address.toLowerCase() }
})

afterAll(() => sandbox?.stop())

interface Customer {
  readonly address: string
  sign(request: SignRequest): Promise<`0x${string}`>
}

async function newCustomer(balance = '1.00'): Promise<Customer> {
  const { address, privateKey } = await sandbox.createAccount(balance)
  const wallet = viemWallet({ account: privateKeyToAccount(privateKey) })
  const sign = async (request: SignRequest): Promise<`0x${string}`> => {
    const result = await wallet.sign(request)
    if ('signature' in result) return result.signature
    throw new Error(result.reason)
  }
  return { address, sign }
}

async function ask(merchant: Merchant, path: string, proof?: HttpPayload): Promise<HttpChallenge> {
  const response = await fetch(`${merchant.address}${path}`, {
    headers: { ...proof?.headers },
    redirect: 'manual',
  })
  return {
    url: new URL(`${merchant.address}${path}`),
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: new Uint8Array(await response.arrayBuffer()),
  }
}

function onlyOffer(challenge: HttpChallenge): Offer {
  const offers = rail.offers(challenge, [asset])
  const [offer] = offers?.kind === 'offers' ? offers.offers : []
  if (offer) return offer
  throw new Error(`There is no offer: ${JSON.stringify(offers)}`)
}

function unixNow(): number {
  return Math.floor(sandbox.clock() / 1000)
}

function paymentFor(offer: Offer, customer: Customer): OpenPayment {
  paymentsMade += 1
  const now = unixNow()
  return {
    paymentId: `payment-${paymentsMade}`,
    terms: {
      rail: rail.name,
      scheme: offer.scheme,
      network: offer.network,
      asset: offer.asset,
      currency: asset.currency,
      atomic: offer.atomic,
      amountMicro: offer.atomic,
      payee: offer.payee,
      host: 'localhost',
      requestHash: '00',
    },
    asset,
    payer: customer.address.toLowerCase(),
    nonce: `0x${paymentsMade.toString(16).padStart(64, '0')}`,
    reservedAt: now,
    validBefore: now + offer.validForSeconds,
  }
}

interface Purchase {
  readonly payment: OpenPayment
  readonly proof: HttpPayload
}

async function sign(challenge: HttpChallenge, customer: Customer): Promise<Purchase> {
  const offer = onlyOffer(challenge)
  const payment = paymentFor(offer, customer)
  const proof = await rail.prove(payment, offer.echo, customer.sign)
  if ('headers' in proof) return { payment, proof }
  throw new Error('The proof is not for HTTP.')
}

async function paidTo(merchant: Merchant, customer: Customer): Promise<readonly bigint[]> {
  const transfers = await sandbox.transfers()
  return transfers.flatMap(({ from, to, value }) =>
    from === customer.address && to === merchant.payee ? [value] : [],
  )
}

describe('an honest merchant', () => {
  test.each(['honest', 'legacy'] as const)('%s is paid once, and it is proven', async (name) => {
    const merchant = sandbox.merchants[name]
    const path = name === 'honest' ? '/quote' : '/forecast'
    const customer = await newCustomer()
    const { payment, proof } = await sign(await ask(merchant, path), customer)
    const paid = await ask(merchant, path, proof)
    expect(paid.status).toBe(200)
    const claim = rail.read(paid, payment)
    expect(claim.outcome).toBe('settled')
    await sandbox.mine(3)
    const claimed = claim.outcome === 'settled' ? claim.transaction : undefined
    expect(claimed).toMatch(/^0x[0-9a-f]{64}$/)
    const proven = { outcome: 'settled', evidence: { transaction: claimed } }
    expect(await rail.reconcile(payment)).toMatchObject(proven)
    expect(await rail.reconcile({ ...payment, claimedTransaction: `${claimed}` })).toMatchObject(
      proven,
    )
    const again = await ask(merchant, path, proof)
    expect(again.status).toBe(402)
    expect(await paidTo(merchant, customer)).toEqual([10_000n])
    expect(await rail.balance(asset, customer.address)).toBe(990_000n)
  })
})

describe('a hostile merchant', () => {
  type Name = keyof Sandbox['merchants']['hostile']
  const hostile = (name: Name): Merchant => sandbox.merchants.hostile[name]
  const firstPath = (merchant: Merchant): string => merchant.resources[0]?.path ?? '/'
  const quote = (merchant: Merchant): Promise<HttpChallenge> => ask(merchant, firstPath(merchant))

  test('that claims to be another host is told apart from it', async () => {
    expect(onlyOffer(await quote(hostile('falseHost'))).claimedHost).toEqual(expect.any(String))
  })

  test('on another network has no offer', async () => {
    const offers = rail.offers(await quote(hostile('otherNetwork')), [asset])
    const leftOut = ['entry 1: its network is not configured']
    expect(offers).toEqual({ kind: 'offers', offers: [], leftOut })
  })

  test('that asks for ten years gets two minutes', async () => {
    expect(onlyOffer(await quote(hostile('absurdValidity'))).validForSeconds).toBe(120)
  })

  test('that sends malformed challenges has no offer', async () => {
    const merchant = hostile('sendsMalformed')
    const outcomes: Record<string, string> = {}
    for (const { name, path } of merchant.resources) {
      const challenge = await ask(merchant, path).catch(() => undefined)
      const offers = challenge && rail.offers(challenge, [asset])
      const count = offers?.kind === 'offers' ? `${offers.offers.length} offers` : `${offers?.kind}`
      outcomes[name] = challenge ? count : 'does not arrive'
    }
    // The header is longer than HTTP clients accept.
    const { 'header-huge': huge, 'offers-thousand': thousand, ...arrived } = outcomes
    expect({ huge, thousand }).toEqual({ huge: 'does not arrive', thousand: 'does not arrive' })
    const { 'header-missing': missing, ...challenges } = arrived
    expect(missing).toBe('undefined')
    const { 'domain-missing': domain, 'scheme-unknown': scheme, permit2, ...malformed } = challenges
    expect({ domain, scheme, permit2 }).toEqual({
      domain: '0 offers',
      scheme: '0 offers',
      permit2: '0 offers',
    })
    expect(Object.keys(malformed).length).toBeGreaterThan(15)
    expect(new Set(Object.values(malformed))).toEqual(new Set(['invalid']))
  })

  test('that swaps the payee is not paid by terms that were offered before', async () => {
    const merchant = hostile('swapsPayee')
    const customer = await newCustomer()
    const payment = paymentFor(onlyOffer(await quote(merchant)), customer)
    const swapped = onlyOffer(await quote(merchant))
    expect(swapped.payee).not.toBe(payment.terms.payee)
    const prove = rail.prove(payment, swapped.echo, customer.sign)
    await expect(prove).rejects.toMatchObject({ code: 'invariant_broken' })
  })

  test('that raises the price when it is paid is not paid the higher one', async () => {
    const merchant = hostile('raisesPrice')
    const customer = await newCustomer()
    const { payment, proof } = await sign(await quote(merchant), customer)
    const answer = await ask(merchant, firstPath(merchant), proof)
    expect(rail.read(answer, payment)).toMatchObject({ outcome: 'refused' })
    const raised = onlyOffer(answer)
    expect(raised.atomic).toBeGreaterThan(payment.terms.atomic)
    const prove = rail.prove(payment, raised.echo, customer.sign)
    await expect(prove).rejects.toMatchObject({ code: 'invariant_broken' })
  })

  test('that forges a receipt is believed only until the chain is asked', async () => {
    const merchant = hostile('forgesReceipt')
    const customer = await newCustomer()
    const { payment, proof } = await sign(await quote(merchant), customer)
    const claim: Claim = rail.read(await ask(merchant, firstPath(merchant), proof), payment)
    expect(claim).toMatchObject({ outcome: 'settled' })
    const forged = claim.outcome === 'settled' ? `${claim.transaction}` : ''
    const claimed = { ...payment, claimedTransaction: forged }
    await sandbox.mine(3)
    expect(await rail.reconcile(claimed)).toMatchObject({ outcome: 'open' })
    await sandbox.advanceTime(121)
    expect(await rail.reconcile(claimed)).toMatchObject({ outcome: 'released' })
    expect(await rail.balance(asset, customer.address)).toBe(1_000_000n)
  })

  test('that settles and drops the connection is proven to have been paid', async () => {
    const merchant = hostile('dropsConnection')
    const customer = await newCustomer()
    const { payment, proof } = await sign(await quote(merchant), customer)
    await expect(ask(merchant, firstPath(merchant), proof)).rejects.toThrow()
    await sandbox.mine(3)
    expect(await rail.reconcile(payment)).toMatchObject({ outcome: 'settled' })
  })

  test('that withholds a signature stays open, and is settled once it settles', async () => {
    const { withholds } = sandbox.merchants.hostile
    const customer = await newCustomer()
    const { payment, proof } = await sign(await quote(withholds), customer)
    const answer = await ask(withholds, firstPath(withholds), proof)
    expect(rail.read(answer, payment)).toMatchObject({ outcome: 'unknown' })
    await sandbox.mine(3)
    expect(await rail.reconcile(payment)).toMatchObject({ outcome: 'open' })
    expect(await withholds.settleLater()).toMatchObject([{ success: true }])
    await sandbox.mine(3)
    expect(await rail.reconcile(payment)).toMatchObject({ outcome: 'settled' })
  })

  test('that withholds for too long gets nothing, and the hold is released', async () => {
    const { withholds } = sandbox.merchants.hostile
    const customer = await newCustomer()
    const { payment, proof } = await sign(await quote(withholds), customer)
    await ask(withholds, firstPath(withholds), proof)
    await sandbox.advanceTime(121)
    expect(await rail.reconcile(payment)).toMatchObject({ outcome: 'released' })
    expect(await withholds.settleLater()).toMatchObject([{ success: false }])
    expect(await rail.balance(asset, customer.address)).toBe(1_000_000n)
  })
})

/**
 * Opens a world with a merchant that makes its own challenge and settles by the official
 * facilitator.
 */
async function makeWorld(rail: Rail): Promise<RailWorld> {
  const customer = await newCustomer()
  const { payee } = sandbox.merchants.honest
  const url = new URL('https://api.example.com/thing')
  let accepted: PaymentRequirements | undefined
  const challenge = (header: string): HttpChallenge => ({
    url,
    status: 402,
    headers: { 'payment-required': header },
    body: new Uint8Array(),
  })
  return {
    rail,
    unreachable: x402({ networks: { [sandbox.network]: { rpcUrl: 'http://127.0.0.1:1' } } }),
    asset,
    payer: customer.address,
    payee,
    sign: customer.sign,
    now: unixNow,
    async demand(atomic) {
      const { network, address, name, version } = sandbox.asset
      const extra = { name, version }
      const offer = { scheme: 'exact', network, asset: address, payTo: payee, extra }
      accepted = { ...offer, amount: `${atomic}`, maxTimeoutSeconds: 60 }
      const resource = { url: `${url}` }
      return challenge(
        encodePaymentRequiredHeader({ x402Version: 2, resource, accepts: [accepted] }),
      )
    },
    async pay(proof) {
      const header = proof.headers['payment-signature'] ?? ''
      const paymentPayload: unknown = JSON.parse(Buffer.from(header, 'base64').toString())
      const response = await fetch(`${sandbox.facilitatorUrl}/settle`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ paymentPayload, paymentRequirements: accepted }),
      })
      const settlement = (await response.json()) as Parameters<
        typeof encodePaymentResponseHeader
      >[0]
      const headers = { 'payment-response': encodePaymentResponseHeader(settlement) }
      return { status: settlement.success ? 200 : 402, headers, body: new Uint8Array() }
    },
    advance: (seconds) => sandbox.advanceTime(seconds),
    malformed: [challenge(''), challenge('e30='), challenge('*')],
  }
}

testRail('x402', () => makeWorld(rail), { describe, test, expect })

/** Makes the sandbox's rail with a relayer. */
async function relayed(): Promise<{ rail: Rail; relayer: PrivateKeyAccount }> {
  const relayer = privateKeyToAccount((await sandbox.createRelayer()).privateKey)
  const { network, rpcUrl } = sandbox
  return { rail: x402({ networks: { [network]: { rpcUrl, relayer } } }), relayer }
}

testRail('x402 with a relayer', async () => makeWorld((await relayed()).rail), {
  describe,
  test,
  expect,
})

describe('a relayer', () => {
  test('says where it can cancel', async () => {
    expect(rail.cancelNetworks).toEqual([])
    expect((await relayed()).rail.cancelNetworks).toEqual([sandbox.network])
  })

  test('cancels before the validity is over, and no earlier than final it is proof', async () => {
    const { rail: cancelling, relayer } = await relayed()
    const { withholds } = sandbox.merchants.hostile
    const customer = await newCustomer()
    const { payment, proof } = await sign(await ask(withholds, '/'), customer)
    await ask(withholds, '/', proof)
    const answer = await cancelling.cancel(payment, customer.sign)
    expect(answer).toMatchObject({ outcome: 'asked' })
    expect(await withholds.settleLater()).toMatchObject([{ success: false }])
    await sandbox.mine(3)
    const { transaction } = answer as { transaction?: string }
    expect(await rail.reconcile(payment)).toMatchObject({
      outcome: 'released',
      evidence: { transaction, reason: 'The authorization was cancelled.' },
    })
    expect(await rail.balance(asset, customer.address)).toBe(1_000_000n)
    expect(await rail.balance(asset, relayer.address)).toBe(0n)
  })

  test('sends several at the same time', async () => {
    const { rail: cancelling } = await relayed()
    const customer = await newCustomer()
    const offer = onlyOffer(await ask(sandbox.merchants.honest, '/quote'))
    const payments = [1, 2, 3, 4].map(() => paymentFor(offer, customer))
    const answers = await Promise.all(
      payments.map((payment) => cancelling.cancel(payment, customer.sign)),
    )
    expect(answers.map(({ outcome }) => outcome)).toEqual(Array(4).fill('asked'))
    await sandbox.mine(3)
    const verdicts = await Promise.all(payments.map((payment) => rail.reconcile(payment)))
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(Array(4).fill('released'))
  })

  test('that has no ether fails, and nothing of its secrets is told', async () => {
    const poor = privateKeyToAccount((await sandbox.createAccount()).privateKey)
    const { network, rpcUrl } = sandbox
    const cancelling = x402({ networks: { [network]: { rpcUrl, relayer: poor } } })
    const customer = await newCustomer()
    const payment = paymentFor(onlyOffer(await ask(sandbox.merchants.honest, '/quote')), customer)
    const failing = cancelling.cancel(payment, customer.sign)
    await expect(failing).rejects.toMatchObject({ code: 'rail_unreachable' })
    expect(inspect(await failing.catch((error: unknown) => error))).not.toContain(rpcUrl)
    expect(inspect(cancelling, { depth: 9, showHidden: true })).not.toContain(rpcUrl)
  })

  test('that is the payer signs no payment and no cancellation', async () => {
    const { address, privateKey } = await sandbox.createAccount('1.00')
    const account = privateKeyToAccount(privateKey)
    const { network, rpcUrl } = sandbox
    const wrong = x402({ networks: { [network]: { rpcUrl, relayer: account } } })
    const never = (): Promise<never> => Promise.reject(new Error('signed'))
    const offer = onlyOffer(await ask(sandbox.merchants.honest, '/quote'))
    const payment = paymentFor(offer, { address, sign: never })
    const refused = { code: 'relayer_is_payer' }
    await expect(wrong.prove(payment, offer.echo, never)).rejects.toMatchObject(refused)
    await expect(wrong.cancel(payment, never)).rejects.toMatchObject(refused)
  })
})
