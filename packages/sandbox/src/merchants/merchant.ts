import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { World } from './world.ts'

/** One request that a merchant received. */
export interface MerchantRequest {
  readonly method: string
  readonly path: string
  /** True if it carried a payment, in a header of x402 version 2 or 1. */
  readonly withPayment: boolean
}

/** Something that a merchant sells. */
export interface Resource {
  readonly name: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Dollars, as a decimal; undefined if it is free. */
  readonly price: string | undefined
  readonly contentType: string
  readonly description: string
  /** A body to send with a POST. */
  readonly body?: string
}

/** A shop on a port of its own on the loopback interface. */
export interface Merchant {
  readonly name: string
  /** `name.localhost:port`, the host that a guard has to allow. */
  readonly host: string
  /** `http://name.localhost:port`, for a client that resolves `*.localhost` itself. */
  readonly url: string
  /** `http://127.0.0.1:port`, for every other client. */
  readonly address: string
  readonly payee: `0x${string}`
  readonly resources: readonly Resource[]
  /** Everything that it was asked so far, oldest first. */
  readonly requests: readonly MerchantRequest[]
}

/** A server on the loopback interface, before it sells anything. */
export type Shop = Pick<Merchant, 'name' | 'host' | 'url' | 'address' | 'requests'>

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

/** Listens on a free port until the world stops, and notes every request before `handle` sees it. */
export async function openShop(
  world: Pick<World, 'onStop'>,
  name: string,
  handle: Handler,
): Promise<Shop> {
  const requests: MerchantRequest[] = []
  const server = createServer((request, response) => {
    requests.push({
      method: request.method ?? '',
      path: request.url ?? '',
      withPayment: paymentHeader(request) !== undefined,
    })
    // What a client sends must not end the process that the sandbox runs in.
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

/** The header that carries a payment in x402 version 2 or, failing that, in version 1. */
export function paymentHeader(request: IncomingMessage): string | undefined {
  const header = request.headers['payment-signature'] ?? request.headers['x-payment']
  return typeof header === 'string' ? header : undefined
}
