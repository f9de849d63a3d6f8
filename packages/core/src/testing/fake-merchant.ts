import type { HttpClient, HttpRequest, HttpResponse } from '../ports/http-client.ts'
import { BursarError } from '../primitives/errors.ts'
import {
  type FakeChain,
  type FakeTransfer,
  fakeAsset,
  type SignedAuthorization,
} from './fake-chain.ts'
import { type FakeOffer, fakeChallenge, fakeClaimHeader, readFakePayload } from './fake-rail.ts'

/**
 * The conduct of a fake merchant that received a proof. Money moves only if the name says `honest` or `settles`.
 *
 * - `honest`: settles, claims it, and delivers; refuses with a claim where it cannot settle
 * - `settles_then_drops`: settles, and the connection breaks before the answer
 * - `settles_then_fails`: settles, and answers 500 without a claim
 * - `settles_undelivered`: settles and claims it, with status 500
 * - `settles_broken_body`: settles and claims it, and the body breaks off
 * - `settles_then_asks_again`: settles, and answers with a challenge all the same
 * - `settles_silently`: settles and delivers, without a claim
 * - `drops`: keeps the proof, and the connection breaks
 * - `asks_again`: keeps the proof, and answers with a challenge
 * - `refuses`: keeps the proof, and claims that it refused
 * - `delivers_free`: keeps the proof, and delivers without a claim
 * - `forges_claim`: keeps the proof, and claims that it settled
 * - `redirects`: keeps the proof, and answers with a redirect to another host
 */
export type FakeConduct =
  | 'honest'
  | 'settles_then_drops'
  | 'settles_then_fails'
  | 'settles_undelivered'
  | 'settles_broken_body'
  | 'settles_then_asks_again'
  | 'settles_silently'
  | 'drops'
  | 'asks_again'
  | 'refuses'
  | 'delivers_free'
  | 'forges_claim'
  | 'redirects'

/** The resource at a URL. */
export interface FakeResource {
  /**
   * The merchant's offers; an empty list is free.
   * @default one offer of 10000 atomic units of `fakeAsset`
   */
  readonly offers?: readonly Partial<FakeOffer>[]
  /**
   * The merchant's conduct once it has a proof.
   * @default 'honest'
   */
  readonly conduct?: FakeConduct
  /** The answer to a request without a proof, instead of a challenge. */
  readonly answer?: Partial<HttpResponse>
  /**
   * The paid content.
   * @default a JSON object
   */
  readonly content?: Partial<HttpResponse>
}

/** A request that the merchant received. */
export interface FakeRequest extends HttpRequest {
  /** The number of requests before this one. */
  readonly index: number
  readonly isolation: string
  readonly proof: SignedAuthorization | undefined
}

/** The moments at which a test can look, wait, throw or end the process. */
export type FakeMoment = 'request-received' | 'payment-settled'

/** Settings of a fake merchant. */
export interface FakeMerchantOptions {
  /** The chain that the merchant submits payments to: the one that the guard's `fakeRail` reads. */
  readonly chain: FakeChain
  /**
   * Returns the resource of a request.
   * @default the default resource at every URL
   */
  readonly resource?: (request: FakeRequest) => FakeResource
  /** A function that is awaited at each moment. If it throws, the connection breaks at that point. */
  readonly onMoment?: (moment: FakeMoment, request: FakeRequest) => Promise<void> | void
}

/** An HTTP client with a merchant behind every URL. */
export interface FakeMerchant extends HttpClient {
  /** The requests so far, oldest first. */
  readonly requests: readonly FakeRequest[]
}

/** The payee of offers that name no other. */
export const fakePayee: string = `0x${'5e11e4'.padStart(40, '0')}`

/**
 * Creates an `HttpClient` with a merchant behind every URL. It answers with a fake challenge, and treats a proof
 * by the resource's conduct, on the chain of `fakeRail`.
 *
 * @example
 * ```ts
 * const chain = fakeChain()
 * const http = fakeMerchant({ chain, resource: () => ({ conduct: 'settles_then_drops' }) })
 * ```
 */
export function fakeMerchant(options: FakeMerchantOptions): FakeMerchant {
  const { chain, resource = (): FakeResource => ({}), onMoment = () => {} } = options
  const requests: FakeRequest[] = []
  let closed = false
  return {
    requests,
    async request(sent, { signal, isolation }) {
      if (closed) throw new BursarError('request_refused', 'The fake merchant is closed.')
      if (signal?.aborted) throw new BursarError('request_failed', 'The request was aborted.')
      const proof = readFakePayload(sent.headers)
      const request: FakeRequest = { ...sent, index: requests.length, isolation, proof }
      requests.push(request)
      await onMoment('request-received', request)
      const here = resource(request)
      const offers = (here.offers ?? [{}]).map(completeMerchantOffer)
      if (offers.length === 0) return merchantContent(here)
      const challenge = merchantResponse(here.answer ?? fakeChallenge(offers))
      if (!proof) return challenge
      chain.receive(proof)
      if (!offers.some((offer) => paysFakeMerchant(proof, offer))) return challenge
      const conduct = here.conduct ?? 'honest'
      const settlement = settlesAtMerchant(conduct) ? chain.submit(proof) : undefined
      const transfer = settlement?.settled ? settlement.transfer : undefined
      if (transfer) await onMoment('payment-settled', request)
      return concludeAtMerchant(conduct, { proof, transfer, resource: here, challenge })
    },
    close: async () => {
      closed = true
    },
  }
}

function completeMerchantOffer(offer: Partial<FakeOffer>): FakeOffer {
  return {
    scheme: 'exact',
    network: fakeAsset.network,
    asset: fakeAsset.address,
    atomic: 10_000n,
    payee: fakePayee,
    validForSeconds: 60,
    ...offer,
  }
}

function paysFakeMerchant({ authorization }: SignedAuthorization, offer: FakeOffer): boolean {
  return (
    `eip155:${authorization.token.chainId}` === offer.network &&
    authorization.token.address === offer.asset &&
    authorization.value === offer.atomic &&
    authorization.to === offer.payee
  )
}

function settlesAtMerchant(conduct: FakeConduct): boolean {
  return conduct === 'honest' || conduct.startsWith('settles_')
}

function concludeAtMerchant(
  conduct: FakeConduct,
  { proof, transfer, resource, challenge }: Visit,
): HttpResponse {
  const { nonce } = proof.authorization
  const refused = fakeClaimHeader({ outcome: 'refused', nonce })
  const claim = transfer
    ? fakeClaimHeader({ outcome: 'settled', nonce, transaction: transfer.transaction })
    : refused
  switch (conduct) {
    case 'honest':
      return transfer ? merchantContent(resource, claim) : withMerchantHeaders(challenge, claim)
    case 'settles_then_drops':
    case 'drops':
      throw new BursarError('request_failed', 'The fake merchant dropped the connection.')
    case 'settles_then_fails':
      return merchantResponse({ status: 500 })
    case 'settles_undelivered':
      return merchantResponse({ status: 500, headers: claim })
    case 'settles_broken_body':
      return { ...merchantContent(resource, claim), broken: true }
    case 'settles_then_asks_again':
    case 'asks_again':
      return challenge
    case 'refuses':
      return withMerchantHeaders(challenge, refused)
    case 'settles_silently':
    case 'delivers_free':
      return merchantContent(resource)
    case 'forges_claim':
      return merchantContent(resource, fakeClaimHeader({ outcome: 'settled', nonce }))
    case 'redirects':
      return merchantResponse({ status: 302, headers: { location: 'https://elsewhere.example/' } })
    default:
      return conduct satisfies never
  }
}

interface Visit {
  readonly proof: SignedAuthorization
  /** The transaction of the settlement; absent if no money moved. */
  readonly transfer: FakeTransfer | undefined
  readonly resource: FakeResource
  readonly challenge: HttpResponse
}

function merchantContent(
  resource: FakeResource,
  claim?: Readonly<Record<string, string>>,
): HttpResponse {
  const delivered = merchantResponse({
    headers: { 'content-type': 'application/json' },
    body: new TextEncoder().encode('{"delivered":true}'),
    ...resource.content,
  })
  return withMerchantHeaders(delivered, claim ?? {})
}

function withMerchantHeaders(
  answer: HttpResponse,
  headers: Readonly<Record<string, string>>,
): HttpResponse {
  return { ...answer, headers: { ...answer.headers, ...headers } }
}

function merchantResponse(parts: Partial<HttpResponse>): HttpResponse {
  return {
    status: 200,
    headers: {},
    body: new Uint8Array(),
    truncated: false,
    broken: false,
    remoteAddress: '192.0.2.1',
    ...parts,
  }
}
