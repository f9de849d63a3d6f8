import { createBursar, guardedHttp, type HttpClient, type HttpResponse } from '@bursar/core'
import type { PaidWorld, ShopItem } from '@bursar/core/testing'
import type { Sandbox } from '@bursar/sandbox'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { privateKeyToAccount } from 'viem/accounts'

/** The policy's reason, which only the operator may see. */
const policyReason = 'canary-of-the-policy-91c04d'

/** The host of the texts, where no server listens: its answers come from a stand-in. */
const textHost = 'texts.localhost:8402'

/** A challenge as text in a successful answer, which must not be paid. */
const challengeText = JSON.stringify({
  x402Version: 2,
  error: 'Payment required',
  accepts: [{ scheme: 'exact', network: 'eip155:31337', amount: '10000', maxTimeoutSeconds: 60 }],
})

/** A guard as its users build it, on a real chain with real merchants, with its own account. */
export async function sandboxPaidWorld(sandbox: Sandbox): Promise<PaidWorld> {
  const { network, asset, rpcUrl, hosts } = sandbox
  const { address, privateKey } = await sandbox.createAccount('10.00')
  const account = privateKeyToAccount(privateKey)
  const moments = new Map<'asking' | 'paying', () => void>()
  const proofs: string[] = []
  const tokens: string[] = []
  const allowed = [...hosts, textHost]
  const bursar = createBursar({
    store: sqliteStore({ path: ':memory:', clock: sandbox.clock }),
    rails: [x402({ networks: { [network]: { rpcUrl } } })],
    assets: [asset],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet: viemWallet({ account }) } },
    http: watched(guardedHttp({ development: { hosts } }), (proof) => {
      if (proof !== undefined) proofs.push(proof)
      const moment = proof === undefined ? 'asking' : 'paying'
      const then = moments.get(moment)
      moments.delete(moment)
      then?.()
    }),
    policies: [
      {
        name: 'no-forbidden',
        evaluate: ({ path }) =>
          path.startsWith('/item/forbidden')
            ? { effect: 'deny', reason: policyReason }
            : { effect: 'allow' },
      },
    ],
  })
  const { management, auditing } = bursar
  const endUser = bursar.endUser('alice')
  return {
    openSession: async ({ limits = { currency: 'USD', total: '1.00' }, ask } = {}) => {
      const { id: delegation } = await endUser.grantDelegation({
        agent: 'researcher',
        instrument: 'alice-wallet',
        expiresIn: '30d',
        limits: { currency: 'USD', total: '100.00' },
        merchants: allowed.map((host) => ({ host })),
        consent: { how: 'test' },
      })
      const { id, token } = await management.createSession({
        delegation,
        expiresIn: '8h',
        limits,
        ask,
      })
      tokens.push(token)
      const again = () => bursar.openSession(token)
      return { id, session: again(), delegation, again, endUser, management, auditing }
    },
    url: (item, name) => urlOf(sandbox, item, name),
    before: (moment, then) => void moments.set(moment, then),
    signed: async () => proofs.length,
    moved: async () =>
      (await sandbox.transfers()).filter(
        ({ from, to }) => from.toLowerCase() === address.toLowerCase() && to !== from,
      ).length,
    advance: (ms) => sandbox.advanceTime(ms / 1_000),
    secrets: () => [
      ...tokens.flatMap((token) => [token, token.slice(-43)]),
      privateKey,
      privateKey.slice(2),
      address,
      address.toLowerCase(),
      asset.address,
      asset.address.toLowerCase(),
      policyReason,
      ...proofs,
    ],
    close: () => bursar.close(),
  }
}

function urlOf({ merchants: { honest, hostile } }: Sandbox, item: ShopItem, name: string): string {
  switch (item) {
    case 'paid':
      return `${honest.url}/item/${name}`
    case 'free':
      return `${honest.url}/catalogue?${name}`
    case 'binary':
      return `${honest.url}/report.pdf?${name}`
    case 'forbidden':
      return `${honest.url}/item/forbidden-${name}`
    case 'repriced':
      return `${hostile.raisesQuote.url}/secret?${name}`
    case 'in_doubt':
      return `${hostile.alwaysAsks.url}/secret?${name}`
    case 'undelivered':
      return `${hostile.failsAfterPayment.url}/with-receipt`
    case 'orders':
      return `${hostile.injectsContent.url}/secret?${name}`
    case 'challenge_text':
      return `http://${textHost}/${name}`
    case 'malformed':
      return `${hostile.sendsMalformed.url}/header-missing`
    default:
      return item satisfies never
  }
}

/** Creates the guarded client with a record of its requests, and one host with fixed answers. */
function watched(http: HttpClient, see: (proof: string | undefined) => void): HttpClient {
  return {
    request: async (request, options) => {
      const proof = Object.entries(request.headers).find(([name]) =>
        /^(payment-signature|x-payment)$/i.test(name),
      )
      see(proof?.[1])
      if (request.url.host !== textHost) return http.request(request, options)
      const answer: HttpResponse = {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: new TextEncoder().encode(challengeText),
        truncated: false,
        broken: false,
        remoteAddress: '127.0.0.1',
      }
      return answer
    },
    close: () => http.close(),
  }
}
