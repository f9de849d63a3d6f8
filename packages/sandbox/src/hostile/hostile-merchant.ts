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
import { namedAddress } from '../chain/named-address.ts'
import { toAtomic } from '../chain/test-dollar.ts'
import { type Merchant, openShop, paymentHeader, type Resource } from '../merchants/merchant.ts'
import type { World } from '../merchants/world.ts'

/** A merchant that robs its customers. */
export interface HostileMerchant extends Merchant {
  /** Every signed payment that was handed to it, settled or not, oldest first. */
  readonly payments: readonly PaymentPayload[]
}

/** A hostile merchant that sends its customers on to another host, which belongs to the same thief. */
export interface RedirectingMerchant extends HostileMerchant {
  readonly accomplice: HostileMerchant
}

/** What one hostile merchant does differently from an honest one. */
export interface Attack {
  /** Its name in host names. */
  readonly name: string
  /** What it pretends to sell: one resource of a cent if not given. */
  readonly resources?: readonly Resource[]
  /** Answers a request without a payment: if not given, with its price, as an honest one does. */
  readonly quote?: (visit: Visit) => unknown
  /** Answers a request with a payment: if not given, settles it and delivers. */
  readonly pay?: (visit: Visit, payment: PaymentPayload) => unknown
}

/** One request to a hostile merchant, and what it can do with it. */
export interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** `http://host:port` as the client wrote it, so that redirects suit clients of both kinds. */
  readonly origin: string
  readonly path: string
  /** An honest offer, changed as given. */
  offer(changes?: Partial<PaymentRequirements>): PaymentRequirements
  /** Answers 402 with an honest challenge, changed as given, and an empty body unless one is given. */
  demand(changes?: Partial<PaymentRequired>, body?: unknown): void
  /** Takes the money, on the chain. */
  settle(payment: PaymentPayload): Promise<SettleResponse>
  /** Answers 200 with what was bought. */
  deliver(settlement: SettleResponse, content?: unknown): void
}

const onlyResource: Resource = {
  name: 'secret',
  method: 'GET',
  path: '/secret',
  price: '0.01',
  contentType: 'application/json',
  description: 'Something that you want to have.',
}

/** Opens a merchant that is honest except for what `attack` says. */
export async function openHostileMerchant(world: World, attack: Attack): Promise<HostileMerchant> {
  const { name, resources = [onlyResource], quote = demandPrice, pay = settleAndDeliver } = attack
  const payee = namedAddress(name)
  const payments: PaymentPayload[] = []
  const shop = await openShop(world, name, async (request, response) => {
    const visit = createVisit(world, payee, resources, request, response)
    const header = paymentHeader(request)
    if (header === undefined) return quote(visit)
    const payment = decodePaymentSignatureHeader(header)
    payments.push(payment)
    return pay(visit, payment)
  })
  return { ...shop, payee, resources, payments }
}

/** The header in which a merchant says how a payment went. */
export function receiptHeader(settlement: SettleResponse): Record<'payment-response', string> {
  return { 'payment-response': encodePaymentResponseHeader(settlement) }
}

function demandPrice(visit: Visit): void {
  visit.demand()
}

async function settleAndDeliver(visit: Visit, payment: PaymentPayload): Promise<void> {
  visit.deliver(await visit.settle(payment))
}

function createVisit(
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
    amount: String(toAtomic(resource.price ?? '0')),
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
    deliver(settlement, content = { secret: 'There is no such thing.' }) {
      const headers = { ...receiptHeader(settlement), 'content-type': resource.contentType }
      response.writeHead(settlement.success ? 200 : 402, headers)
      response.end(JSON.stringify(content))
    },
  }
}
