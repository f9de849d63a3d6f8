import { z } from 'zod'
import type { Evidence } from '../ledger/payment.ts'
import type {
  Answer,
  Authorization,
  Challenge,
  Claim,
  Offer,
  Offers,
  Rail,
  Verdict,
} from '../ports/rail.ts'
import type { CancelAuthorization, SigningToken, TransferAuthorization } from '../ports/wallet.ts'
import { type FakeChain, fakeAsset, fakeChain, type SignedAuthorization } from './fake-chain.ts'
import { fakeSignature } from './fake-wallet.ts'

/** The header that carries a fake proof. */
const FAKE_PROOF_HEADER = 'fake-proof'

/** The header that carries a merchant's claim. */
const FAKE_CLAIM_HEADER = 'fake-claim'

/** The longest validity of an offer in seconds. Longer ones are clamped. */
const MAX_VALID_SECONDS = 120

/** The most offers of a challenge. */
const MAX_OFFERS = 20

/** Settings of a fake rail. */
export interface FakeRailOptions {
  /**
   * The chain that the rail looks at.
   * @default fakeChain()
   */
  readonly chain?: FakeChain
  /**
   * The rail's name.
   * @default 'fake'
   */
  readonly name?: string
  /**
   * The networks that the rail pays on.
   * @default the network of `fakeAsset`
   */
  readonly networks?: readonly string[]
  /**
   * Whether `cancel` signs a cancellation and brings it to the chain.
   * @default false
   */
  readonly cancels?: boolean
}

/** A rail for tests, with the chain that it looks at. */
export interface FakeRail extends Rail {
  readonly chain: FakeChain
}

/** An offer of a fake challenge. */
export interface FakeOffer {
  readonly scheme: string
  readonly network: string
  readonly asset: string
  readonly atomic: bigint
  readonly payee: string
  readonly validForSeconds: number
}

/** A merchant's claim about a fake payment. */
export interface FakeClaim {
  readonly outcome: 'settled' | 'refused'
  readonly nonce: string
  readonly transaction?: string
}

/**
 * Creates a rail for tests, over a chain that the test controls. Its challenges are made by `fakeChallenge`, and
 * its proofs contain the signed authorization as plain JSON. The rail keeps every promise of the seam.
 *
 * @example
 * ```ts
 * const rail = fakeRail({ chain: fakeChain(), cancels: true })
 * ```
 */
export function fakeRail(options: FakeRailOptions = {}): FakeRail {
  const { chain = fakeChain(), name = 'fake', networks = [fakeAsset.network] } = options
  return {
    name,
    networks,
    cancelNetworks: options.cancels ? networks : [],
    chain,
    offers: (challenge) => readFakeOffers(challenge, networks),
    async prove(authorization, echo, sign) {
      const request = fakeTransferOf(authorization)
      const signature = await sign(request)
      const proof = { [FAKE_PROOF_HEADER]: writeFakeProof({ authorization: request, signature }) }
      return (echo as FakeEcho).isMessage ? { meta: proof } : { headers: proof }
    },
    read: readFakeClaim,
    async reconcile(payment): Promise<Verdict> {
      chain.assertReachable()
      const finalTime = chain.finalTime()
      const use = chain.use(payment.payer, payment.nonce, finalTime)
      const makeEvidence = (reason: string): Evidence => ({
        block: `${finalTime}`,
        reason,
        ...(use && { transaction: use.transaction }),
      })
      if (use?.kind === 'cancel') return { outcome: 'released', evidence: makeEvidence('canceled') }
      if (use) {
        const { asset, payee, atomic } = payment.terms
        const matches = use.asset === asset && use.to === payee && use.atomic === atomic
        return matches
          ? { outcome: 'settled', evidence: makeEvidence('transferred') }
          : { outcome: 'open', reason: 'The nonce was used, but not for this payment.' }
      }
      return finalTime >= payment.validBefore
        ? { outcome: 'released', evidence: makeEvidence('expired unused') }
        : { outcome: 'open', reason: 'The nonce is unused and the authorization still valid.' }
    },
    async time() {
      chain.assertReachable()
      return chain.time()
    },
    async balance(asset, address) {
      chain.assertReachable()
      return chain.balance(asset, address)
    },
    async cancel(payment, sign) {
      if (!options.cancels) {
        return { outcome: 'unavailable', reason: 'This fake rail was not told that it can cancel.' }
      }
      chain.assertReachable()
      const { payer, nonce, asset } = payment
      const used = { outcome: 'refused', reason: 'The nonce is used.' } as const
      if (chain.use(payer, nonce, Number.POSITIVE_INFINITY)) return used
      const request: CancelAuthorization = {
        kind: 'cancel-authorization',
        family: 'evm',
        token: fakeTokenOf(asset),
        authorizer: payer,
        nonce,
      }
      const signature = await sign(request)
      if (signature !== fakeSignature(request)) {
        throw new Error('The fake chain does not take this signature.')
      }
      // A settlement may have come first while it was signed.
      if (!chain.cancel(payer, nonce)) return used
      return { outcome: 'asked' }
    },
  }
}

/**
 * Creates the status, headers and body of a fake challenge.
 *
 * @example
 * ```ts
 * const { status, body } = fakeChallenge([])
 * console.log(status, new TextDecoder().decode(body)) // 402 {"fakeOffers":[]}
 * ```
 */
export function fakeChallenge(offers: readonly FakeOffer[]): {
  readonly status: 402
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
} {
  const fakeOffers = offers.map((offer) => ({ ...offer, atomic: `${offer.atomic}` }))
  return {
    status: 402,
    headers: { 'content-type': 'application/json' },
    body: new TextEncoder().encode(JSON.stringify({ fakeOffers })),
  }
}

/**
 * Returns the signed authorization in a request's payment header. Returns undefined if the header is
 * missing or malformed.
 *
 * @example
 * ```ts
 * console.log(readFakePayload({ accept: 'text/plain' })) // undefined
 * ```
 */
export function readFakePayload(
  headers: Readonly<Record<string, string>>,
): SignedAuthorization | undefined {
  const name = Object.keys(headers).find((key) => key.toLowerCase() === FAKE_PROOF_HEADER)
  const proof = proofSchema.safeParse(
    parseFakeJson(name === undefined ? '' : (headers[name] ?? '')),
  )
  return proof.success ? (proof.data as SignedAuthorization) : undefined
}

/**
 * Creates the header by which a merchant claims a payment's outcome.
 *
 * @example
 * ```ts
 * const headers = fakeClaimHeader({ outcome: 'refused', nonce: '0x01' })
 * console.log(Object.keys(headers)) // ['fake-claim']
 * ```
 */
export function fakeClaimHeader(claim: FakeClaim): Readonly<Record<string, string>> {
  return { [FAKE_CLAIM_HEADER]: JSON.stringify(claim) }
}

const hex = z.string().regex(/^0x[0-9a-f]+$/)
const address = z.string().regex(/^0x[0-9a-f]{40}$/)
const atomic = z
  .string()
  .regex(/^[1-9][0-9]{0,77}$/)
  .transform(BigInt)

const challengeSchema = z.object({
  fakeOffers: z
    .array(
      z.object({
        scheme: z.string().max(40),
        network: z.string().max(80),
        asset: address,
        atomic,
        payee: address,
        validForSeconds: z.int().positive(),
      }),
    )
    .max(MAX_OFFERS),
})

const claimSchema = z.object({
  outcome: z.enum(['settled', 'refused']),
  nonce: hex,
  transaction: hex.optional(),
})

const proofSchema = z.object({
  signature: hex,
  authorization: z.object({
    kind: z.literal('transfer-authorization'),
    family: z.literal('evm'),
    token: z.object({
      chainId: z.int().positive(),
      address,
      name: z.string(),
      version: z.string(),
    }),
    from: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
    to: address,
    value: atomic,
    validAfter: z.literal('0').transform(BigInt),
    validBefore: atomic,
    nonce: hex,
  }),
})

/** The way in which the challenge came, which its proof takes, too. */
interface FakeEcho {
  readonly isMessage: boolean
}

function readFakeOffers(challenge: Challenge, networks: readonly string[]): Offers | undefined {
  const isMessage = 'message' in challenge
  const body = isMessage
    ? fakeErrorDataOf(challenge.message)
    : parseFakeJson(new TextDecoder().decode(challenge.body))
  if (
    (!isMessage && challenge.status !== 402) ||
    !(body as { fakeOffers?: unknown } | undefined)?.fakeOffers
  ) {
    return undefined
  }
  const parsed = challengeSchema.safeParse(body)
  if (!parsed.success) {
    return { kind: 'invalid', reason: parsed.error.issues[0]?.message ?? 'not a fake challenge' }
  }
  const offers = parsed.data.fakeOffers
    .filter((offer) => offer.scheme === 'exact' && networks.includes(offer.network))
    .map((offer): Offer => {
      const validForSeconds = Math.min(offer.validForSeconds, MAX_VALID_SECONDS)
      return { ...offer, validForSeconds, echo: { isMessage } satisfies FakeEcho }
    })
  return { kind: 'offers', offers, leftOut: [] }
}

/** A fake challenge over MCP is the `data` of an error. */
function fakeErrorDataOf(message: unknown): unknown {
  return (message as { error?: { data?: unknown } } | null)?.error?.data
}

/** A fake claim over MCP is in the `_meta` of the result. */
function fakeClaimTextOf(answer: Answer): string | undefined {
  if (!('message' in answer)) return answer.headers[FAKE_CLAIM_HEADER]
  const { result } = answer.message as { result?: { _meta?: Record<string, unknown> } }
  return `${result?._meta?.[FAKE_CLAIM_HEADER]}`
}

function readFakeClaim(answer: Answer, authorization: Authorization): Claim {
  const claim = claimSchema.safeParse(parseFakeJson(fakeClaimTextOf(answer) ?? ''))
  if (claim.success && claim.data.nonce === authorization.nonce) {
    const { outcome, transaction } = claim.data
    if (outcome === 'refused') return { outcome, reason: 'The merchant says that it refused.' }
    return transaction === undefined ? { outcome } : { outcome, transaction }
  }
  const asksAgain = 'message' in answer ? fakeErrorDataOf(answer.message) : answer.status === 402
  if (asksAgain) return { outcome: 'refused', reason: 'Payment was asked for again.' }
  return { outcome: 'unknown', reason: 'Nothing in the response speaks of this payment.' }
}

function fakeTransferOf(authorization: Authorization): TransferAuthorization {
  const { terms, asset, payer, nonce, validBefore } = authorization
  return {
    kind: 'transfer-authorization',
    family: 'evm',
    token: fakeTokenOf(asset),
    from: payer,
    to: terms.payee,
    value: terms.atomic,
    validAfter: 0n,
    validBefore: BigInt(validBefore),
    nonce,
  }
}

function fakeTokenOf(asset: Authorization['asset']): SigningToken {
  const { network, address, name, version } = asset
  return { chainId: Number(network.slice('eip155:'.length)), address, name, version }
}

function writeFakeProof(signed: SignedAuthorization): string {
  return JSON.stringify(signed, (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}` : value,
  )
}

function parseFakeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
