import { setTimeout as delay } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import type { RoutesConfig } from '@x402/core/server'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { paymentMiddleware, x402ResourceServer } from '@x402/hono'
import { Hono } from 'hono'
import { deriveNamedAddress } from '../chain/named-address.ts'
import { type SandboxAsset, toAtomicDollars } from '../chain/test-dollar.ts'
import { type Merchant, openMerchantShop, type Resource } from './merchant.ts'
import type { World } from './world.ts'

/** A merchant that delivers as announced, at the announced price. */
export type HonestMerchant = Merchant

/** The validity of a payment to an honest merchant, in seconds. */
const maxTimeoutSeconds = 60

/**
 * Opens the honest merchant, with the official x402 middleware for Hono.
 *
 * `/item/:n` is any number of resources of one cent each: `/item/1`, `/item/2` and so on. `GET
 * /slow` takes `slowMs` milliseconds.
 */
export async function openHonestMerchant(world: World, slowMs: number): Promise<HonestMerchant> {
  const name = 'market'
  const payee = deriveNamedAddress(name)
  const stopping = new AbortController()
  const app = new Hono()
  const server = new x402ResourceServer(world.facilitator)
  server.register(world.asset.network, new ExactEvmScheme())
  app.use(paymentMiddleware(makeHonestRoutes(world.asset, payee), server))
  serveHonestResources(app, () => delay(slowMs, undefined, { signal: stopping.signal }))
  const shop = await openMerchantShop(world, name, getRequestListener(app.fetch))
  world.onStop(() => stopping.abort())
  return { ...shop, payee, resources }
}

const resources: readonly Resource[] = [
  {
    name: 'quote',
    method: 'GET',
    path: '/quote',
    price: '0.01',
    contentType: 'application/json',
    description: 'The latest quote of one share.',
  },
  {
    name: 'article',
    method: 'GET',
    path: '/article',
    price: '0.05',
    contentType: 'text/plain',
    description: 'An article about lighthouses.',
  },
  {
    name: 'prices',
    method: 'GET',
    path: '/prices.csv',
    price: '0.02',
    contentType: 'text/csv',
    description: 'Closing prices of a week, as a table.',
  },
  {
    name: 'report',
    method: 'GET',
    path: '/report.pdf',
    price: '0.25',
    contentType: 'application/pdf',
    description: 'A report to print.',
  },
  {
    name: 'translate',
    method: 'POST',
    path: '/translate',
    price: '0.03',
    contentType: 'application/json',
    description: 'Translates a text that is posted as JSON.',
    body: '{"text":"good morning","to":"fr"}',
  },
  {
    name: 'slow',
    method: 'GET',
    path: '/slow',
    price: '0.015',
    contentType: 'application/json',
    description: 'A computation that takes a while.',
  },
  {
    name: 'dataset',
    method: 'GET',
    path: '/dataset',
    price: '5.00',
    contentType: 'application/json',
    description: 'A large collection of records, at a large price.',
  },
  {
    name: 'item',
    method: 'GET',
    path: '/item/:n',
    price: '0.01',
    contentType: 'application/json',
    description: 'One of many numbered items.',
  },
  {
    name: 'catalogue',
    method: 'GET',
    path: '/catalogue',
    price: undefined,
    contentType: 'application/json',
    description: 'The list of resources, for free.',
  },
]

const article = `Lighthouses

Before there were lamps there were fires on hills. A lighthouse lifts the fire,
and tells ships not where to go, but where not to.
`

const closingPrices = `day,close
monday,101.20
tuesday,102.75
wednesday,99.90
thursday,100.05
friday,103.40
`

/** The head of a PDF with bytes that are not valid UTF-8, as any PDF has them. */
const report: Uint8Array<ArrayBuffer> = Uint8Array.from([
  ...Buffer.from('%PDF-1.7\n%'),
  0xe2,
  0xe3,
  0xcf,
  0xd3,
  ...Buffer.from('\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF\n'),
])

function serveHonestResources(app: Hono, wait: () => Promise<unknown>): void {
  app.get('/quote', (context) => context.json({ symbol: 'ACME', price: '103.40', currency: 'USD' }))
  app.get('/article', (context) => context.text(article))
  app.get('/prices.csv', (context) =>
    context.body(closingPrices, 200, { 'content-type': 'text/csv' }),
  )
  app.get('/report.pdf', (context) =>
    context.body(report, 200, { 'content-type': 'application/pdf' }),
  )
  app.post('/translate', async (context) => {
    const order: unknown = await context.req.json().catch(() => undefined)
    if (order === undefined) return context.json({ error: 'The body is not JSON.' }, 400)
    return context.json({ asked: order, translation: 'bonjour' })
  })
  app.get('/slow', async (context) => {
    await wait()
    return context.json({ answer: 42 })
  })
  app.get('/dataset', (context) => context.json({ records: [{ id: 1 }, { id: 2 }, { id: 3 }] }))
  app.get('/item/:n', (context) => context.json({ item: context.req.param('n') }))
  app.get('/catalogue', (context) => context.json({ resources }))
}

function makeHonestRoutes(asset: SandboxAsset, payTo: `0x${string}`): RoutesConfig {
  const extra = { name: asset.name, version: asset.version }
  const entries = resources.flatMap((resource) => {
    if (resource.price === undefined) return []
    const price = { amount: String(toAtomicDollars(resource.price)), asset: asset.address, extra }
    const offer = { scheme: 'exact', network: asset.network, payTo, price, maxTimeoutSeconds }
    const { description, contentType: mimeType } = resource
    return [[`${resource.method} ${resource.path}`, { accepts: [offer], description, mimeType }]]
  })
  return Object.fromEntries(entries) as RoutesConfig
}
