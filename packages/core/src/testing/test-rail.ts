import type { Asset } from '../money/asset.ts'
import type {
  Answer,
  Challenge,
  Claim,
  HttpChallenge,
  HttpPayload,
  Offer,
  OpenPayment,
  Rail,
} from '../ports/rail.ts'
import type { SignRequest } from '../ports/wallet.ts'
import type { TestRunner } from './test-runner.ts'

/** A rail to test, with a network, a funded payer and a merchant around it. Made anew for each test. */
export interface RailWorld {
  readonly rail: Rail
  /** A copy of the rail whose network of record can't be reached. */
  readonly unreachable: Rail
  readonly asset: Asset
  /** An address that holds at least a million atomic units of the asset. */
  readonly payer: string
  /** The merchant's address. */
  readonly payee: string
  sign(request: SignRequest): Promise<`0x${string}`>
  /** Returns the network's time in Unix seconds. */
  now(): number
  /** Returns the merchant's challenge, which is valid for 60 seconds. */
  demand(atomic: bigint): Promise<HttpChallenge>
  /** Brings a proof for the latest demand to the merchant, who settles the payment and confirms it. */
  pay(proof: HttpPayload): Promise<Answer>
  /** Lets time pass on the network, and makes final what happened before. */
  advance(seconds: number): Promise<void>
  /** Malformed challenges of the rail's own kind. */
  readonly malformed: readonly Challenge[]
}

/** The price that the suite's merchant asks for. */
const PRICE = 10_000n

/** The validity of the suite's payments in seconds. */
const VALID_SECONDS = 60

/**
 * Defines the conformance suite of a rail: the promises that the core relies on.
 *
 * @example
 * ```ts
 * import { describe, expect, test } from 'vitest'
 *
 * testRail('x402', makeRailWorld, { describe, test, expect })
 * ```
 */
export function testRail(
  name: string,
  makeWorld: () => Promise<RailWorld>,
  runner: TestRunner,
): void {
  runner.describe(`${name} keeps the promises of a rail`, () => {
    testOffers(makeWorld, runner)
    testProofs(makeWorld, runner)
    testClaims(makeWorld, runner)
    testVerdicts(makeWorld, runner)
    testCancellation(makeWorld, runner)
  })
}

function testOffers(makeWorld: () => Promise<RailWorld>, { test, expect }: TestRunner): void {
  test('offers what the challenge asks for', async () => {
    const { rail, asset, payee, demand } = await makeWorld()
    const offers = rail.offers(await demand(PRICE), [asset])
    expect(offers?.kind === 'offers' ? offers.offers.length : offers).toBe(1)
    const offer = onlyRailOffer(rail, asset, await demand(PRICE))
    const { network, asset: address, atomic, validForSeconds } = offer
    expect({ network, address, atomic, validForSeconds }).toEqual({
      network: asset.network,
      address: asset.address,
      atomic: PRICE,
      validForSeconds: VALID_SECONDS,
    })
    expect(offer.payee.toLowerCase()).toBe(payee.toLowerCase())
    expect(rail.networks.includes(asset.network)).toBe(true)
  })

  test('knows what is no challenge of its own', async () => {
    const { rail, asset, demand } = await makeWorld()
    const challenge = await demand(PRICE)
    const assets = [asset]
    expect(rail.offers({ ...challenge, status: 200 }, assets)).toBe(undefined)
    const nothing = { headers: {}, body: new Uint8Array() }
    expect(rail.offers({ ...challenge, ...nothing }, assets)).toBe(undefined)
    const other = new TextEncoder().encode('{"error":"Pay me."}')
    expect(rail.offers({ ...challenge, headers: {}, body: other }, assets)).toBe(undefined)
  })

  test('calls invalid what nobody should have sent', async () => {
    const { rail, asset, malformed } = await makeWorld()
    expect(malformed.length > 0).toBe(true)
    for (const challenge of malformed) {
      expect(rail.offers(challenge, [asset])?.kind).toBe('invalid')
    }
  })
}

function testProofs(makeWorld: () => Promise<RailWorld>, { test, expect }: TestRunner): void {
  test('asks for one signature, for exactly the authorization', async () => {
    const world = await makeWorld()
    const payment = await paymentOnRail(world)
    const requests: SignRequest[] = []
    await proveOnRail(world, payment, (request) => {
      requests.push(request)
      return world.sign(request)
    })
    const { name, version, address, network } = world.asset
    const chainId = Number(network.slice('eip155:'.length))
    expect(requests).toEqual([
      {
        kind: 'transfer-authorization',
        family: 'evm',
        token: { chainId, address, name, version },
        from: payment.payer,
        to: payment.terms.payee,
        value: PRICE,
        validAfter: 0n,
        validBefore: BigInt(payment.validBefore),
        nonce: payment.nonce,
      },
    ])
  })

  test('passes on untouched what signing throws', async () => {
    const world = await makeWorld()
    const failure = new Error('no signature')
    const thrown = await proveOnRail(world, await paymentOnRail(world), () =>
      Promise.reject(failure),
    ).catch((error: unknown) => error)
    expect(thrown === failure).toBe(true)
  })
}

function testClaims(makeWorld: () => Promise<RailWorld>, { test, expect }: TestRunner): void {
  test('reads a settlement as claimed, and only for the payment that it is about', async () => {
    const world = await makeWorld()
    const payment = await paymentOnRail(world)
    const response = await world.pay(await proveOnRail(world, payment))
    expect(world.rail.read(response, payment).outcome).toBe('settled')
    const other = { ...payment, payer: railAddressOf('0714e4'), nonce: railNonceOf('02') }
    expect(world.rail.read(response, other).outcome).toBe('unknown')
  })

  test('reads another challenge as refused, and silence as unknown', async () => {
    const world = await makeWorld()
    const payment = await paymentOnRail(world)
    const read = (status: number, headers: Readonly<Record<string, string>>): Claim['outcome'] =>
      world.rail.read({ status, headers, body: new Uint8Array() }, payment).outcome
    const { headers } = await world.demand(PRICE)
    expect(read(402, headers)).toBe('refused')
    expect(read(402, {})).toBe('refused')
    expect(read(200, {})).toBe('unknown')
    expect(read(500, {})).toBe('unknown')
    expect(read(302, { location: 'https://elsewhere.example/' })).toBe('unknown')
  })
}

function testVerdicts(makeWorld: () => Promise<RailWorld>, { test, expect }: TestRunner): void {
  test('proves a settlement, whoever claims what', async () => {
    const world = await makeWorld()
    const { rail, asset, payee, payer } = world
    const [before, earned] = [await rail.balance(asset, payer), await rail.balance(asset, payee)]
    const payment = await paymentOnRail(world)
    const proof = await proveOnRail(world, payment)
    const claim = rail.read(await world.pay(proof), payment)
    await world.pay(proof)
    await world.advance(1)
    const claimed = claim.outcome === 'settled' ? claim.transaction : undefined
    const settled = await rail.reconcile(payment)
    expect(settled.outcome).toBe('settled')
    const hinted = claimed === undefined ? payment : { ...payment, claimedTransaction: claimed }
    expect(await railOutcomeOf(rail, hinted)).toBe('settled')
    const lied = { ...payment, claimedTransaction: railNonceOf('bad') }
    expect(await railOutcomeOf(rail, lied)).toBe('settled')
    expect(await rail.balance(asset, payer)).toBe(before - PRICE)
    expect(await rail.balance(asset, payee)).toBe(earned + PRICE)
    await world.advance(2 * VALID_SECONDS)
    expect(await railOutcomeOf(rail, payment)).toBe('settled')
  })

  test('proves nothing by a settlement of other terms', async () => {
    const world = await makeWorld()
    const payment = await paymentOnRail(world)
    await world.pay(await proveOnRail(world, payment))
    await world.advance(2 * VALID_SECONDS)
    const { terms } = payment
    const more = { ...payment, terms: { ...terms, atomic: PRICE + 1n } }
    expect(await railOutcomeOf(world.rail, more)).toBe('open')
    const elsewhere = { ...payment, terms: { ...terms, payee: railAddressOf('e15e') } }
    expect(await railOutcomeOf(world.rail, elsewhere)).toBe('open')
  })

  test('keeps open what can still settle, and releases it when its time is over', async () => {
    const world = await makeWorld()
    const payment = await paymentOnRail(world)
    const proof = await proveOnRail(world, payment)
    expect(await railOutcomeOf(world.rail, payment)).toBe('open')
    await world.advance(VALID_SECONDS / 2)
    expect(await railOutcomeOf(world.rail, payment)).toBe('open')
    await world.advance(VALID_SECONDS)
    expect(await railOutcomeOf(world.rail, payment)).toBe('released')
    const late = world.rail.read(await world.pay(proof), payment)
    expect(late.outcome === 'settled').toBe(false)
    await world.advance(1)
    expect(await railOutcomeOf(world.rail, payment)).toBe('released')
  })

  test('tells the time of the network, which advances with it', async () => {
    const { rail, asset, advance, now } = await makeWorld()
    const before = await rail.time(asset.network)
    await advance(2 * VALID_SECONDS)
    const after = await rail.time(asset.network)
    expect(after >= before + 2 * VALID_SECONDS).toBe(true)
    expect(Math.abs(now() - after) <= VALID_SECONDS).toBe(true)
  })

  test('throws when the network of record cannot be reached', async () => {
    const world = await makeWorld()
    const payment = await paymentOnRail(world)
    expect(await isRejectedByRail(() => world.unreachable.reconcile(payment))).toBe(true)
    expect(await isRejectedByRail(() => world.unreachable.time(world.asset.network))).toBe(true)
    expect(await isRejectedByRail(() => world.unreachable.balance(world.asset, world.payer))).toBe(
      true,
    )
  })
}

function testCancellation(makeWorld: () => Promise<RailWorld>, { test, expect }: TestRunner): void {
  const cancels = ({ rail, asset }: RailWorld): boolean =>
    rail.cancelNetworks.includes(asset.network)

  test('says that it cannot cancel, or really cancels', async () => {
    const world = await makeWorld()
    const payment = await paymentOnRail(world)
    const proof = await proveOnRail(world, payment)
    const requests: SignRequest[] = []
    const answer = await world.rail.cancel(payment, (request) => {
      requests.push(request)
      return world.sign(request)
    })
    expect(answer.outcome).toBe(cancels(world) ? 'asked' : 'unavailable')
    const { address, name, version, network } = world.asset
    const chainId = Number(network.slice('eip155:'.length))
    const token = { chainId, address, name, version }
    const { payer: authorizer, nonce } = payment
    expect(requests).toEqual(
      cancels(world)
        ? [{ kind: 'cancel-authorization', family: 'evm', token, authorizer, nonce }]
        : [],
    )
    await world.pay(proof)
    await world.advance(1)
    const expected = cancels(world) ? 'released' : 'settled'
    expect(await railOutcomeOf(world.rail, payment)).toBe(expected)
  })

  test('signs no cancellation of what has settled', async () => {
    const world = await makeWorld()
    const payment = await paymentOnRail(world)
    await world.pay(await proveOnRail(world, payment))
    const answer = await world.rail.cancel(payment, () => Promise.reject(new Error('asked')))
    expect(answer.outcome).toBe(cancels(world) ? 'refused' : 'unavailable')
    await world.advance(1)
    expect(await railOutcomeOf(world.rail, payment)).toBe('settled')
  })
}

function onlyRailOffer(rail: Rail, asset: Asset, challenge: Challenge): Offer {
  const offers = rail.offers(challenge, [asset])
  const [offer] = offers?.kind === 'offers' ? offers.offers : []
  if (offer) return offer
  throw new Error('The rail has no offer for the challenge.')
}

async function paymentOnRail(world: RailWorld): Promise<OpenPayment> {
  const { rail, asset, payer } = world
  const challenge = await world.demand(PRICE)
  const { scheme, network, atomic, payee, validForSeconds } = onlyRailOffer(rail, asset, challenge)
  const now = world.now()
  return {
    paymentId: 'payment-1',
    terms: {
      rail: rail.name,
      scheme,
      network,
      asset: asset.address,
      currency: asset.currency,
      atomic,
      amountMicro: atomic,
      payee,
      host: challenge.url.host,
      requestHash: '00',
    },
    asset,
    payer,
    nonce: railNonceOf('01'),
    reservedAt: now,
    validBefore: now + validForSeconds,
  }
}

async function proveOnRail(
  world: RailWorld,
  payment: OpenPayment,
  sign: (request: SignRequest) => Promise<`0x${string}`> = world.sign,
): Promise<HttpPayload> {
  const { echo } = onlyRailOffer(world.rail, world.asset, await world.demand(payment.terms.atomic))
  const proof = await world.rail.prove(payment, echo, sign)
  if ('headers' in proof) return proof
  throw new Error('The proof of a challenge over HTTP has no headers.')
}

async function railOutcomeOf(rail: Rail, payment: OpenPayment): Promise<string> {
  return (await rail.reconcile(payment)).outcome
}

async function isRejectedByRail(run: () => Promise<unknown>): Promise<boolean> {
  try {
    await run()
    return false
  } catch {
    return true
  }
}

function railNonceOf(tail: string): `0x${string}` {
  return `0x${tail.padStart(64, '0')}`
}

function railAddressOf(tail: string): string {
  return `0x${tail.padStart(40, '0')}`
}
