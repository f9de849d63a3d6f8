import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  decodePaymentSignatureHeader,
  encodePaymentRequiredHeader,
  encodePaymentResponseHeader,
} from '@x402/core/http'
import type {
  PaymentPayload,
  PaymentRequired,
  PaymentRequirements,
  SettleResponse,
} from '@x402/core/types'
import { deriveNamedAddress } from '../chain/named-address.ts'
import { toAtomicDollars } from '../chain/test-dollar.ts'
import {
  type Merchant,
  openMerchantShop,
  type Resource,
  readMerchantPaymentHeader,
} from '../merchants/merchant.ts'
import type { World } from '../merchants/world.ts'

/** A merchant that robs its customers. */
export interface HostileMerchant extends Merchant {
  /** Every signed payment that the merchant got, settled or not, oldest first. */
  readonly payments: readonly PaymentPayload[]
}

/** A hostile merchant that redirects its customers to another host of its own. */
export interface RedirectingMerchant extends HostileMerchant {
  /** The merchant that the redirect leads to. */
  readonly accomplice: HostileMerchant
}

/** The difference between one hostile merchant and an honest one. */
export interface Attack {
  /** The merchant's name, as its host has it. */
  readonly name: string
  /** The resources that the merchant pretends to sell. By default one resource of a cent. */
  readonly resources?: readonly Resource[]
  /** Answers a request without a payment. By default with an honest challenge. */
  readonly quote?: (visit: Visit) => unknown
  /** Answers a request with a payment. By default settles it and delivers. */
  readonly pay?: (visit: Visit, payment: PaymentPayload) => unknown
}

/** A request to a hostile merchant, with the ways to answer. */
export interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The origin as the client wrote it, `http://host:port`, so that redirects suit every client. */
  readonly origin: string
  readonly path: string
  /** Makes an honest offer with some changes. */
  offer(changes?: Partial<PaymentRequirements>): PaymentRequirements
  /**
   * Answers 402 with an honest challenge with some changes. The body is an empty object by default.
   */
  demand(changes?: Partial<PaymentRequired>, body?: unknown): void
  /** Settles the payment on the chain. */
  settle(payment: PaymentPayload): Promise<SettleResponse>
  /** Answers 200 with the content, or 402 if the settlement failed. */
  deliver(settlement: SettleResponse, content?: unknown): void
}

const onlyResource: Resource = {
  name: 'secret',
  method: 'GET',
  path: '/secret',
  price: '0.01',
  contentType: 'application/json',
  description: 'A secret to buy.',
}

/** Opens a merchant that is honest except for its attack. */
export async function openHostileMerchant(world: World, attack: Attack): Promise<HostileMerchant> {
  const {
    name,
    resources = [onlyResource],
    quote = demandMerchantPrice,
    pay = settleAtMerchant,
  } = attack
  const payee = deriveNamedAddress(name)
  const payments: PaymentPayload[] = []
  const shop = await openMerchantShop(world, name, async (request, response) => {
    const visit = createMerchantVisit(world, payee, resources, request, response)
    const header = readMerchantPaymentHeader(request)
    if (header === undefined) return quote(visit)
    const payment = decodePaymentSignatureHeader(header)
    payments.push(payment)
    return pay(visit, payment)
  })
  return { ...shop, payee, resources, payments }
}

/** Makes the header that carries a merchant's claim about a payment. */
export function makeMerchantReceipt(
  settlement: SettleResponse,
): Record<'payment-response', string> {
  return { 'payment-response': encodePaymentResponseHeader(settlement) }
}

function demandMerchantPrice(visit: Visit): void {
  visit.demand()
}

async function settleAtMerchant(visit: Visit, payment: PaymentPayload): Promise<void> {
  visit.deliver(await visit.settle(payment))
}

function createMerchantVisit(
  world: World,
  payTo: string,
  resources: readonly Resource[],
  request: IncomingMessage,
  response: ServerResponse,
): Visit {
  const { asset, facilitator } = world
  const origin = `http://${request.headers.host}`
  const path = request.url ?? '/'
  const resource = resources.find((one) => one.path === path) ?? onlyResource
  const offer: Visit['offer'] = (changes) => ({
    scheme: 'exact',
    network: asset.network,
    asset: asset.address,
    amount: String(toAtomicDollars(resource.price ?? '0')),
    payTo,
    maxTimeoutSeconds: 60,
    extra: { name: asset.name, version: asset.version },
    ...changes,
  })
  return {
    request,
    response,
    origin,
    path,
    offer,
    demand(changes, body = {}) {
      const { description, contentType: mimeType } = resource
      const challenge: PaymentRequired = {
        x402Version: 2,
        error: 'Payment required',
        resource: { url: origin + path, description, mimeType },
        accepts: [offer()],
        ...changes,
      }
      const header = encodePaymentRequiredHeader(challenge)
      response.writeHead(402, { 'payment-required': header, 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    },
    settle: (payment) => facilitator.settle(payment, payment.accepted),
    deliver(settlement, content = { secret: 'There is no secret.' }) {
      const headers = { ...makeMerchantReceipt(settlement), 'content-type': resource.contentType }
      response.writeHead(settlement.success ? 200 : 402, headers)
      response.end(JSON.stringify(content))
    },
  }
}
