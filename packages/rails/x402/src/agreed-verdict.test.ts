import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import type { OpenPayment, Rail } from '@bursar/core'
import { type Sandbox, startSandbox } from '@bursar/sandbox'
import { viemWallet } from '@bursar/wallet-viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { x402 } from './x402.ts'

const secret = 'a-secret-path'

let sandbox: Sandbox

beforeAll(async () => {
  sandbox = await startSandbox()
})

afterAll(() => sandbox.stop())

/** The change that an endpoint makes to the chain's result, or its answer in place of JSON-RPC. */
type Twist = (method: string, result: unknown, response: ServerResponse) => unknown

const honest: Twist = (_method, result) => result

/** Says that the final block is a day ahead, so that everything has expired. */
const ahead: Twist = (method, result) => {
  if (method !== 'eth_getBlockByNumber') return result
  const { timestamp, ...block } = result as { readonly timestamp: string }
  return { ...block, timestamp: `0x${(Number(timestamp) + 86_400).toString(16)}` }
}

/** Says that no nonce was ever used. */
const unused: Twist = (method, result) => (method === 'eth_call' ? `0x${'0'.repeat(64)}` : result)

/** Writes the response itself, in place of JSON-RPC. */
const busy = (write: (response: ServerResponse) => unknown): Twist => {
  return (_method, _result, response) => {
    write(response)
  }
}

/** Starts an endpoint before the sandbox's chain. A twist that writes the response itself has answered. */
async function endpoint(twist: Twist): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    const headers = { 'content-type': 'application/json' }
    const answered = await fetch(sandbox.rpcUrl, { method: 'POST', headers, body })
    const { result, ...answer } = (await answered.json()) as { result?: unknown }
    const said = twist(JSON.parse(body).method, result, response)
    if (response.writableEnded || response.destroyed) return
    response.end(JSON.stringify(said === undefined ? answer : { ...answer, result: said }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/${secret}`
}

async function railOf(...twists: readonly Twist[]): Promise<Rail> {
  const rpcUrl = await Promise.all(twists.map(endpoint))
  return x402({ networks: { [sandbox.network]: { rpcUrl } } })
}

/** Signs a payment of a new customer at the honest merchant, and pays with it if it should settle. */
async function paymentThat(settles: boolean): Promise<OpenPayment> {
  const { privateKey, address } = await sandbox.createAccount('1.00')
  const rail = x402({ networks: { [sandbox.network]: { rpcUrl: sandbox.rpcUrl } } })
  const url = new URL(`${sandbox.merchants.honest.address}/quote`)
  const asked = await fetch(url)
  const headers = Object.fromEntries(asked.headers)
  const body = new Uint8Array(await asked.arrayBuffer())
  const read = rail.offers({ url, status: asked.status, headers, body }, [sandbox.asset])
  const [offer] = read?.kind === 'offers' ? read.offers : []
  if (!offer) throw new Error('The merchant made no offer.')
  const now = Math.floor(sandbox.clock() / 1_000)
  const payment: OpenPayment = {
    paymentId: 'pay_1',
    terms: { rail: 'x402', ...offer } as unknown as OpenPayment['terms'],
    asset: { ...sandbox.asset, address: offer.asset },
    payer: address.toLowerCase(),
    nonce: `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex')}`,
    validBefore: now + 60,
    reservedAt: now,
  }
  const wallet = viemWallet({ account: privateKeyToAccount(privateKey) })
  const payload = await rail.prove(payment, offer.echo, async (request) => {
    const signed = await wallet.sign(request)
    return 'signature' in signed ? signed.signature : '0x'
  })
  if (settles && 'headers' in payload) await fetch(url, { headers: payload.headers })
  await sandbox.mine(3)
  return payment
}

const name = (place: number, of = 2): string => `${sandbox.network}, rpc ${place} of ${of}`

describe('an endpoint that says that everything has expired', () => {
  test('releases nothing that is valid, first or second of two', async () => {
    const payment = await paymentThat(false)
    for (const [place, twists] of [
      [1, [ahead, honest]],
      [2, [honest, ahead]],
    ] as const) {
      expect(await (await railOf(...twists)).reconcile(payment)).toEqual({
        outcome: 'open',
        reason: `Only ${name(place)} says that it is released.`,
      })
    }
    // Alone it is believed by the rail. The guard has a clock of its own.
    expect(await (await railOf(ahead)).reconcile(payment)).toMatchObject({ outcome: 'released' })
  })

  test('is not enough beside one that does not answer', async () => {
    const dead = busy((response) => response.destroy())
    const payment = await paymentThat(false)
    expect(await (await railOf(dead, ahead)).reconcile(payment)).toMatchObject({ outcome: 'open' })
  })
})

test('one endpoint proves a settlement that another one denies', async () => {
  const payment = await paymentThat(true)
  for (const [place, twists] of [
    [2, [unused, honest]],
    [1, [honest, unused]],
  ] as const) {
    expect(await (await railOf(...twists)).reconcile(payment)).toMatchObject({
      outcome: 'settled',
      evidence: { reason: expect.stringMatching(new RegExp(`${name(place)}\\.$`)) },
    })
  }
})

test('two endpoints that agree release, and both are named', async () => {
  const payment = await paymentThat(false)
  await sandbox.advanceTime(120)
  await sandbox.mine(3)
  const three = await railOf(
    honest,
    busy((response) => response.destroy()),
    honest,
  )
  expect(await three.reconcile(payment)).toMatchObject({
    outcome: 'released',
    evidence: { reason: expect.stringContaining(`${name(1, 3)}; ${name(3, 3)}.`) },
  })
  // One endpoint alone says what it always said.
  const [alone] = await Promise.all([railOf(honest)])
  expect(await alone?.reconcile(payment)).toMatchObject({
    evidence: {
      reason: 'The nonce is unused at a final block, and the authorization has expired.',
    },
  })
})

const rpcError = (code: number) =>
  busy((response) =>
    response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code, message: secret } })),
  )

const failures: readonly (readonly [string, Twist])[] = [
  ['429', busy((response) => response.writeHead(429).end('too many'))],
  ['503', busy((response) => response.writeHead(503).end('busy'))],
  [
    'a page',
    busy((response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>')),
  ],
  ['-32016', rpcError(-32_016)],
  ['-32005', rpcError(-32_005)],
  ['a closed connection', busy((response) => response.destroy())],
]

describe.each(failures)('an endpoint that answers with %s', (_what, failing) => {
  test('is asked again, a few times', async () => {
    let [asked, fails] = [0, 2]
    const rail = await railOf((method, result, response) => {
      if (method !== 'eth_call') return result
      asked += 1
      return fails-- > 0 ? failing(method, result, response) : result
    })
    const { address } = await sandbox.createAccount('1.00')
    expect(await rail.balance(sandbox.asset, address)).toBe(1_000_000n)
    expect(asked).toBe(3)
    fails = 100
    await expect(rail.balance(sandbox.asset, address)).rejects.toMatchObject({
      code: 'rail_unreachable',
    })
    expect(asked).toBe(6)
  })

  test('is followed by the next one, and named without its URL', async () => {
    const { address } = await sandbox.createAccount('1.00')
    const rail = await railOf(failing, honest)
    expect(await rail.balance(sandbox.asset, address)).toBe(1_000_000n)
    expect(await rail.time(sandbox.network)).toBeGreaterThan(0)
    const neither = await railOf(failing, failing)
    const error: unknown = await neither.balance(sandbox.asset, address).catch((thrown) => thrown)
    expect(error).toMatchObject({
      code: 'rail_unreachable',
      message: expect.stringMatching(new RegExp(`^${name(1)}: .*${name(2)}: `)),
    })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/a-secret|127\.0\.0\.1/)
  })
})

test('an endpoint of another chain is passed over', async () => {
  const other: Twist = (method, result) => (method === 'eth_chainId' ? '0x2105' : result)
  const { address } = await sandbox.createAccount('1.00')
  expect(await (await railOf(other, honest)).balance(sandbox.asset, address)).toBe(1_000_000n)
})
