import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { World } from './world.ts'

/** A request that a merchant received. */
export interface MerchantRequest {
  readonly method: string
  readonly path: string
  /** True if the request carried a payment, in a header of x402 version 2 or 1. */
  readonly withPayment: boolean
}

/** A resource that a merchant sells. */
export interface Resource {
  readonly name: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** The price in dollars, as a decimal. Undefined if the resource is free. */
  readonly price: string | undefined
  readonly contentType: string
  readonly description: string
  /** A body to send with a POST. Absent for a GET. */
  readonly body?: string
}

/** A shop on a port of its own on the loopback interface. */
export interface Merchant {
  readonly name: string
  /** The host that a guard must allow: `name.localhost:port`. */
  readonly host: string
  /** The URL for a client that resolves `*.localhost` itself: `http://name.localhost:port`. */
  readonly url: string
  /** The URL for every other client: `http://127.0.0.1:port`. */
  readonly address: string
  readonly payee: `0x${string}`
  readonly resources: readonly Resource[]
  /** Every request so far, oldest first. */
  readonly requests: readonly MerchantRequest[]
}

/** A server on the loopback interface, before it sells anything. */
export type Shop = Pick<Merchant, 'name' | 'host' | 'url' | 'address' | 'requests'>

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

/** Listens on a free port until the world stops. Records every request before `handle` gets it. */
export async function openMerchantShop(
  world: Pick<World, 'onStop'>,
  name: string,
  handle: Handler,
): Promise<Shop> {
  const requests: MerchantRequest[] = []
  const server = createServer((request, response) => {
    requests.push({
      method: request.method ?? '',
      path: request.url ?? '',
      withPayment: readMerchantPaymentHeader(request) !== undefined,
    })
    // No request of a client may end the process that the sandbox runs in.
    void (async () => handle(request, response))().catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  world.onStop(async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  })
  const { port } = server.address() as AddressInfo
  return {
    name,
    host: `${name}.localhost:${port}`,
    url: `http://${name}.localhost:${port}`,
    address: `http://127.0.0.1:${port}`,
    requests,
  }
}

/**
 * Returns the payment header of x402 version 2, or of version 1. Returns undefined if there is
 * none.
 */
export function readMerchantPaymentHeader(request: IncomingMessage): string | undefined {
  const header = request.headers['payment-signature'] ?? request.headers['x-payment']
  return typeof header === 'string' ? header : undefined
}
