import type { PaymentRequired, PaymentRequirements } from '@x402/core/types'
import type { Resource } from '../merchants/merchant.ts'
import type { World } from '../merchants/world.ts'
import { type HostileMerchant, openHostileMerchant, type Visit } from './hostile-merchant.ts'

/** The size of a header over the default bound of Node and its HTTP clients, 16 KiB. */
const hugeHeaderBytes = 64 * 1024

/** The malformed challenges, each by the path that answers with it. */
const challenges: Readonly<Record<string, (visit: Visit) => void>> = {
  '/amount-hexadecimal': demandMalformedAmount('0x2710'),
  '/amount-exponent': demandMalformedAmount('1e4'),
  '/amount-negative': demandMalformedAmount('-1'),
  '/amount-zero': demandMalformedAmount('0'),
  '/amount-with-space': demandMalformedAmount(' 10000'),
  '/amount-with-point': demandMalformedAmount('10000.0'),
  '/amount-with-sign': demandMalformedAmount('+10000'),
  '/amount-with-zeros': demandMalformedAmount('00010000'),
  '/amount-full-width': demandMalformedAmount('１００００'),
  '/amount-empty': demandMalformedAmount(''),
  '/amount-a-fraction': demandMalformedAmount(10000.5),
  '/amount-over-256-bits': demandMalformedAmount(String(2n ** 256n)),
  '/header-huge': (visit) => visit.demand({ error: 'x'.repeat(hugeHeaderBytes) }),
  '/header-not-base64': (visit) => demandMalformedText(visit, '*** this is not base64 ***'),
  '/header-not-json': (visit) =>
    demandMalformedText(visit, Buffer.from('{"x402Ver').toString('base64')),
  '/header-missing': (visit) => visit.response.writeHead(402).end('Pay me.'),
  '/offers-none': (visit) => visit.demand({ accepts: [] }),
  '/offers-not-a-list': (visit) => visit.demand({ accepts: {} as PaymentRequirements[] }),
  '/offers-thousand': (visit) => visit.demand({ accepts: Array(1000).fill(visit.offer()) }),
  '/offers-thousand-version-1': demandMalformedThousand,
  '/version-unknown': (visit) => visit.demand({ x402Version: 99 }),
  '/resource-a-number': (visit) => visit.demand({ resource: 1 } as never),
  '/payee-not-an-address': demandMalformedOffer({ payTo: 'the merchant' }),
  '/validity-negative': demandMalformedOffer({ maxTimeoutSeconds: -60 }),
  '/domain-missing': demandMalformedOffer({ extra: {} }),
  '/scheme-unknown': demandMalformedOffer({ scheme: 'everything-you-have' }),
  '/permit2': (visit) => {
    const extra = { ...visit.offer().extra, assetTransferMethod: 'permit2' }
    visit.demand({ accepts: [visit.offer({ extra })] })
  },
}

const resources: readonly Resource[] = Object.keys(challenges).map((path) => ({
  name: path.slice(1),
  method: 'GET',
  path,
  price: '0.01',
  contentType: 'application/json',
  description: 'A secret to buy.',
}))

/** Sends malformed challenges, and keeps the payments that a client signs for them. */
export function sendsMalformed(world: World): Promise<HostileMerchant> {
  return openHostileMerchant(world, {
    name: 'sends-malformed',
    resources,
    quote: (visit) => (challenges[visit.path] ?? answerMalformedNotFound)(visit),
    pay: (visit) => visit.response.writeHead(503).end(),
  })
}

function demandMalformedAmount(amount: unknown): (visit: Visit) => void {
  return demandMalformedOffer({ amount: amount as string })
}

function demandMalformedOffer(changes: Partial<PaymentRequirements>): (visit: Visit) => void {
  return (visit) => visit.demand({ accepts: [visit.offer(changes)] })
}

function demandMalformedText(visit: Visit, header: string): void {
  visit.response.writeHead(402, { 'payment-required': header }).end('{}')
}

/** Demands payment with a long challenge of version 1, whose body no bound on headers stops. */
function demandMalformedThousand(visit: Visit): void {
  const { amount: maxAmountRequired, ...offer } = visit.offer()
  const resource = visit.origin + visit.path
  const accepts = Array(1000).fill({ ...offer, maxAmountRequired, resource })
  const challenge = { x402Version: 1, accepts } satisfies Partial<PaymentRequired>
  visit.response.writeHead(402, { 'content-type': 'application/json' })
  visit.response.end(JSON.stringify(challenge))
}

function answerMalformedNotFound(visit: Visit): void {
  visit.response.writeHead(404).end()
}
