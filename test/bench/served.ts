/**
 * A server in a process of its own: `raw` is bare `node:http`, which reads a body and answers as many
 * bytes as a payment does; anything else is the path of a ledger, over which the service pays. Wallet,
 * rail and merchant take no time. Prints one line of JSON, and ends with its standard input.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fakeAsset, fakeChain, fakeMerchant, fakeRail, fakeWallet } from '@bursar/core/testing'
import { openGuard, readSettings, serve } from 'bursar'

/** A client of the server in the other process. */
export interface Served {
  readonly url: string
  readonly payers: readonly { readonly key: string; readonly token: string }[]
}

/** The number of callers and sessions that share the load, because each has a rate limit. */
const KEYS = 16
const SESSIONS_A_KEY = 8

/** The size of an answer, about that of a payment. */
const ANSWER_BYTES = 700

const [what = 'raw'] = process.argv.slice(2)
process.stdout.write(`${JSON.stringify(await (what === 'raw' ? raw() : service(what)))}\n`)
process.stdin.resume()
process.stdin.once('end', () => process.exit())

async function raw(): Promise<Served> {
  const answer = JSON.stringify({ status: 'paid', padding: 'x'.repeat(ANSWER_BYTES) })
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    JSON.parse(text)
    response.setHeader('content-type', 'application/json').end(answer)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, payers: [{ key: 'none', token: 'none' }] }
}

async function service(path: string): Promise<Served> {
  const chain = fakeChain({ clock: Date.now })
  const wallet = fakeWallet()
  chain.mint(fakeAsset, await wallet.address('evm'), 10n ** 18n)
  const config = {
    database: path,
    rails: [fakeRail({ chain })],
    http: fakeMerchant({ chain }),
    assets: [fakeAsset],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet } },
    listen: { port: 0 },
  }
  const closing = { request: config.http.request, close: async () => {} }
  const guard = await openGuard(readSettings({ ...config, http: closing }, {}))
  const limits = { currency: 'USD', total: '1000000.00' }
  const { id: delegation } = await guard.endUser('alice').grantDelegation({
    agent: 'a',
    instrument: 'alice-wallet',
    expiresIn: '1d',
    limits,
    merchants: [{ host: 'shop.example' }],
    consent: { how: 'benchmark' },
  })
  const payers: { key: string; token: string }[] = []
  for (let one = 0; one < KEYS; one += 1) {
    const { id, key } = await guard.administration.issueKey({ roles: ['payer'], expiresIn: '1d' })
    const input = {
      delegation,
      expiresIn: '8h',
      limits: { ...limits, total: '1000.00' },
      payer: id,
    }
    for (let session = 0; session < SESSIONS_A_KEY; session += 1) {
      payers.push({ key, token: (await guard.management.createSession(input)).token })
    }
  }
  await guard.close()
  const { url } = await serve(config, { environment: {}, log: () => {} })
  return { url, payers }
}
