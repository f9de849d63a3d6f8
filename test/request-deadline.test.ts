import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createBursar, openWallet, type PaymentSession } from '@bursar/core'
import {
  type FakeChain,
  fakeAsset,
  fakeChain,
  fakeChallenge,
  fakeClaimHeader,
  fakePayee,
  fakeRail,
  fakeWallet,
  readFakePayload,
} from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { expect, onTestFinished, test } from 'vitest'

/** The deadline of an ordinary request, and of a paid one by its challenge. */
const DEADLINE_MS = 300
const PAID_SECONDS = 1

/** Answers a request whose payment has settled. */
type Delivers = (response: ServerResponse, headers: Readonly<Record<string, string>>) => void

/** Opens a wallet at a real server on loopback, which settles and then delivers as it is told. */
async function openAt(delivers: Delivers): Promise<{ session: PaymentSession; url: string }> {
  const chain = fakeChain()
  const port = await serve(chain, delivers)
  const wallet = fakeWallet()
  chain.mint(fakeAsset, await wallet.address('evm'), 1_000_000n)
  const host = `shop.localhost:${port}`
  const store = sqliteStore({ path: ':memory:' })
  onTestFinished(() => store.close())
  const session = await openWallet({
    ...{ store, rail: fakeRail({ chain }), wallet, assets: [fakeAsset] },
    ...{ name: 'a', agent: 'b', limits: { currency: 'USD', total: '1.00' } },
    merchants: [{ host }],
    development: { hosts: [host] },
    deadlineMs: DEADLINE_MS,
  })
  return { session, url: `http://${host}/` }
}

async function serve(chain: FakeChain, delivers: Delivers): Promise<number> {
  const server = createServer((request, response) => {
    const proof = readFakePayload(request.headers as Record<string, string>)
    if (!proof) {
      const { network, address: asset } = fakeAsset
      const price = { atomic: 10_000n, payee: fakePayee, validForSeconds: PAID_SECONDS }
      const { status, headers, body } = fakeChallenge([
        { scheme: 'exact', network, asset, ...price },
      ])
      response.writeHead(status, headers).end(body)
      return
    }
    chain.submit(proof)
    const { nonce } = proof.authorization
    delivers(response, fakeClaimHeader({ outcome: 'settled', nonce }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

test('a paid request may take as long as its challenge says', async () => {
  const { session, url } = await openAt((response, headers) => {
    setTimeout(() => response.writeHead(200, headers).end('late'), DEADLINE_MS * 2)
  })
  expect(await session.pay({ url, purpose: '' })).toMatchObject({ status: 'paid' })
})

test('a paid request ends when that time is over, in doubt', async () => {
  const { session, url } = await openAt(() => undefined)
  const begun = performance.now()
  expect(await session.pay({ url, purpose: '' })).toMatchObject({ status: 'in_doubt' })
  expect(performance.now() - begun).toBeGreaterThan(PAID_SECONDS * 1_000 - 50)
})

test('a stream that is cut after a claim hands out what came', async () => {
  const { session, url } = await openAt((response, headers) => {
    response.writeHead(200, { ...headers, 'content-length': '100' })
    response.write('the first half', () => response.destroy())
  })
  const result = await session.pay({ url, purpose: '' })
  expect(result).toMatchObject({ status: 'undelivered', response: { truncated: true } })
  expect(textOf(result)).toBe('the first half')
})

test('a stream that is cut in doubt hands out what came', async () => {
  const { session, url } = await openAt((response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('the first half', () => response.destroy())
  })
  const result = await session.pay({ url, purpose: '' })
  expect(result).toMatchObject({ status: 'in_doubt', response: { truncated: true } })
  expect(textOf(result)).toBe('the first half')
})

test('the deadline is that of the client which was given', () => {
  const store = sqliteStore({ path: ':memory:' })
  onTestFinished(() => store.close())
  const parts = { store, rails: [fakeRail({ chain: fakeChain() })] }
  const http = { request: async () => undefined as never, close: async () => undefined }
  expect(() => createBursar({ ...parts, http, deadlineMs: 1_000 })).toThrow('deadlineMs: is of')
  expect(() => createBursar({ ...parts, deadlineMs: 0 })).toThrow('deadlineMs')
})

function textOf(result: object): string {
  const { response } = result as { readonly response?: { readonly body: Uint8Array } }
  return new TextDecoder().decode(response?.body)
}
