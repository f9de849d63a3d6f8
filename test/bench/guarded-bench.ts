import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Bursar, createBursar, type PaymentSession, type Rail } from '@bursar/core'
import { SOON_MS } from '@bursar/core/store'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { atMost, type Bench, type Plan, type Round, type Running } from './bench.ts'
import { median } from './median.ts'
import { FAR_MS, price } from './price.ts'

/** The number of payments on one side before the other side takes its turn. */
const BLOCK = 20

const near = 'guarded / bare @x402/fetch, p50, local merchant'
const far = `guarded / bare @x402/fetch, p50, merchant of ${FAR_MS} ms`

/** The benchmark of the time that the guard adds to sequential payments, seen by their caller. */
export const guardedBench: Bench = {
  name: 'guarded',
  targets: [atMost(near, 1.6), atMost(far, 1.05)],
  open,
}

/** Pays for the resource at a path. */
type Pay = (path: string) => Promise<void>

interface World {
  readonly bare: Pay
  readonly bursar: Bursar
  readonly delegation: string
  readonly origin: string
  readonly payments: number
  count: number
}

async function open({ folder, quick }: Plan): Promise<Running> {
  const merchant = await startMerchant()
  const account = privateKeyToAccount(generatePrivateKey())
  const origin = `http://127.0.0.1:${merchant.port}`
  const client = new x402Client().register('eip155:*', new ExactEvmScheme(account))
  const paying = wrapFetchWithPayment(fetch, client)
  const bursar = createBursar({
    store: sqliteStore({ path: join(folder, 'guarded.db') }),
    rails: [
      withoutChain(x402({ networks: { [price.network]: { rpcUrl: 'http://127.0.0.1:1' } } })),
    ],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet: viemWallet({ account }) } },
    development: { hosts: [`127.0.0.1:${merchant.port}`] },
  })
  const { id: delegation } = await bursar.endUser('alice').grantDelegation({
    agent: 'researcher',
    instrument: 'alice-wallet',
    expiresIn: '30d',
    merchants: [{ host: `127.0.0.1:${merchant.port}` }],
    limits: {
      currency: 'USD',
      total: '1000000.00',
      windows: [{ per: 'utc-day', amount: '1000000.00' }],
    },
    consent: { how: 'benchmark' },
  })
  const bare: Pay = async (path) => {
    const response = await paying(origin + path)
    await response.arrayBuffer()
    if (response.status !== 200) throw new Error(`The bare client got ${response.status}.`)
  }
  const payments = quick ? 2 : 5 * BLOCK
  const world: World = { bare, bursar, delegation, origin, payments, count: 0 }
  return {
    round: () => round(world),
    async close() {
      await bursar.close()
      await merchant.stop()
    },
  }
}

async function round(world: World): Promise<Round> {
  const local = await compare(world, '/item/')
  const distant = await compare(world, '/far/item/')
  return {
    values: { [near]: local.guarded / local.bare, [far]: distant.guarded / distant.bare },
    yardsticks: {
      'ms a bare payment, p50, local merchant': local.bare,
      'ms a guarded payment, p50, local merchant': local.guarded,
    },
  }
}

/** Measures both sides in turns, block by block, with a new session in each round. */
async function compare(world: World, path: string): Promise<{ bare: number; guarded: number }> {
  const { bursar, delegation, origin, payments, bare } = world
  const { token } = await bursar.management.createSession({
    delegation,
    expiresIn: '8h',
    limits: { currency: 'USD', total: '1000.00', perPayment: '1.00' },
  })
  const guarded = guardedBy(bursar.openSession(token), origin)
  const tookMs: { bare: number[]; guarded: number[] } = { bare: [], guarded: [] }
  while (tookMs.bare.length < payments) {
    for (const [side, pay] of Object.entries({ bare, guarded })) {
      for (let paid = 0; paid < Math.min(BLOCK, payments); paid += 1) {
        world.count += 1
        const startedAt = performance.now()
        await pay(`${path}${world.count}`)
        tookMs[side as 'bare' | 'guarded'].push(performance.now() - startedAt)
      }
      // The wait keeps the guard's background writes out of the other side's measurement.
      await delay(2 * SOON_MS)
    }
  }
  return { bare: median(tookMs.bare), guarded: median(tookMs.guarded) }
}

function guardedBy(session: PaymentSession, origin: string): Pay {
  return async (path) => {
    const call = { conversation: 'benchmark', id: path }
    const result = await session.pay({ url: origin + path, purpose: 'an item' }, call)
    if (result.status !== 'paid') throw new Error(`The guard answered ${result.message}`)
  }
}

/**
 * Returns the real rail without its chain requests, which neither side of the comparison measures.
 */
function withoutChain(rail: Rail): Rail {
  return {
    ...rail,
    balance: async () => 10n ** 18n,
    reconcile: async () => ({ outcome: 'open', reason: 'There is no chain.' }),
  }
}

async function startMerchant(): Promise<{ port: string; stop: () => Promise<void> }> {
  const script = fileURLToPath(new URL('./paid-server.ts', import.meta.url))
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [port] = await once(createInterface(child.stdout), 'line')
  return {
    port: String(port),
    async stop() {
      const ended = once(child, 'close')
      child.stdin.end()
      await ended
    },
  }
}
