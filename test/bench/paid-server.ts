/**
 * A merchant in a process of its own, on the official middleware, with a facilitator that answers
 * without a chain: it believes everything. `/item/1` and so on cost one cent; under `/far/item/1`
 * each answer takes 20 ms longer. Prints its port, and ends with its standard input.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import type { FacilitatorClient } from '@x402/core/server'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { paymentMiddleware, x402ResourceServer } from '@x402/hono'
import { Hono } from 'hono'
import { FAR_MS, price } from './price.ts'

const facilitator: FacilitatorClient = {
  verify: async ({ payload }) => ({ isValid: true, payer: payerOf(payload) }),
  settle: async ({ payload }) => ({
    success: true,
    payer: payerOf(payload),
    transaction: `0x${'ab'.repeat(32)}`,
    network: price.network,
  }),
  getSupported: async () => ({
    kinds: [{ x402Version: 2, scheme: 'exact', network: price.network }],
    extensions: [],
    signers: {},
  }),
}

function payerOf(payload: Readonly<Record<string, unknown>>): string {
  const { authorization } = payload as { authorization: { from: string } }
  return authorization.from
}

const offer = {
  scheme: 'exact',
  network: price.network,
  payTo: price.payee,
  maxTimeoutSeconds: 60,
  price: {
    amount: price.atomic,
    asset: price.asset.address,
    extra: { name: price.asset.name, version: price.asset.version },
  },
} as const
const server = new x402ResourceServer(facilitator).register(price.network, new ExactEvmScheme())
const app = new Hono()
app.use('/far/*', async (_context, next) => {
  await delay(FAR_MS)
  await next()
})
app.use(
  paymentMiddleware(
    { 'GET /item/:n': { accepts: [offer] }, 'GET /far/item/:n': { accepts: [offer] } },
    server,
  ),
)
app.get('/item/:n', (context) => context.json({ item: context.req.param('n') }))
app.get('/far/item/:n', (context) => context.json({ item: context.req.param('n') }))
const listening = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
  console.log(port)
})
process.stdin.resume().on('end', () => {
  listening.close()
  process.exit()
})
