import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Network, PaymentPayload } from '@x402/core/types'
import type { PaymentPayloadV1, PaymentRequirementsV1 } from '@x402/core/types/v1'
import { deriveNamedAddress } from '../chain/named-address.ts'
import { toAtomicDollars } from '../chain/test-dollar.ts'
import {
  type Merchant,
  openMerchantShop,
  type Resource,
  readMerchantPaymentHeader,
} from './merchant.ts'
import type { World } from './world.ts'

/** An honest merchant that speaks x402 version 1: challenge in the body, payment in `X-PAYMENT`. */
export type LegacyMerchant = Merchant

const resource: Resource = {
  name: 'forecast',
  method: 'GET',
  path: '/forecast',
  price: '0.01',
  contentType: 'application/json',
  description: 'The weather of tomorrow.',
}

/**
 * Opens the merchant of version 1.
 *
 * Version 1 names networks by words and has none for a private chain, so its offers use the CAIP-2
 * id. The official packages settle version 1 only on the networks that have a word. An
 * authorization is alike in both versions, so it is settled as one of version 2.
 */
export async function openLegacyMerchant(world: World): Promise<LegacyMerchant> {
  const name = 'legacy'
  const payee = deriveNamedAddress(name)
  const shop = await openMerchantShop(world, name, async (request, response) => {
    if (request.url !== resource.path)
      return respondAsLegacyMerchant(response, 404, { error: 'Not found.' })
    const offer = makeLegacyOffer(world, payee, request)
    const header = readMerchantPaymentHeader(request)
    if (header === undefined)
      return demandLegacyPayment(response, offer, 'X-PAYMENT header is required')
    const payment = parseLegacyPayment(header)
    if (payment === undefined) return demandLegacyPayment(response, offer, 'Invalid payment')
    const settlement = await settleLegacyPayment(world, payment, offer)
    if (!settlement.success)
      return demandLegacyPayment(response, offer, settlement.errorReason ?? 'Not settled')
    const receipt = Buffer.from(JSON.stringify(settlement)).toString('base64')
    return respondAsLegacyMerchant(
      response,
      200,
      { forecast: 'sunny' },
      { 'x-payment-response': receipt },
    )
  })
  return { ...shop, payee, resources: [resource] }
}

function makeLegacyOffer(
  { asset }: World,
  payTo: string,
  request: IncomingMessage,
): PaymentRequirementsV1 {
  return {
    scheme: 'exact',
    network: asset.network,
    maxAmountRequired: String(toAtomicDollars(resource.price ?? '0')),
    resource: `http://${request.headers.host}${resource.path}`,
    description: resource.description,
    mimeType: resource.contentType,
    outputSchema: {},
    payTo,
    maxTimeoutSeconds: 60,
    asset: asset.address,
    extra: { name: asset.name, version: asset.version },
  }
}

function settleLegacyPayment(
  world: World,
  payment: PaymentPayloadV1,
  offer: PaymentRequirementsV1,
) {
  const { scheme, network, maxAmountRequired, asset, payTo, maxTimeoutSeconds, extra } = offer
  const terms = { scheme, network, amount: maxAmountRequired, asset, payTo, maxTimeoutSeconds }
  const accepted: PaymentPayload['accepted'] = { ...terms, network: network as Network, extra }
  return world.facilitator.settle({ x402Version: 2, accepted, payload: payment.payload }, accepted)
}

function parseLegacyPayment(header: string): PaymentPayloadV1 | undefined {
  try {
    const payment = JSON.parse(Buffer.from(header, 'base64').toString()) as PaymentPayloadV1
    return payment.x402Version === 1 && payment.payload !== undefined ? payment : undefined
  } catch {
    return undefined
  }
}

function demandLegacyPayment(
  response: ServerResponse,
  offer: PaymentRequirementsV1,
  error: string,
): void {
  respondAsLegacyMerchant(response, 402, { x402Version: 1, error, accepts: [offer] })
}

function respondAsLegacyMerchant(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}
