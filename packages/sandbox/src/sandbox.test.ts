import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { HTTPFacilitatorClient } from '@x402/core/server'
import { decodePaymentResponseHeader } from '@x402/fetch'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createStockClient } from '../test/stock-client.ts'
import { type Sandbox, startSandbox } from './sandbox.ts'

let sandbox: Sandbox

beforeAll(async () => {
  sandbox = await startSandbox({ slowMs: 1 })
})

afterAll(() => sandbox.stop())

describe('the honest merchant', () => {
  test('sells at least six resources of at least three content types', () => {
    const paid = sandbox.merchants.honest.resources.filter((one) => one.price !== undefined)
    expect(paid.length).toBeGreaterThanOrEqual(6)
    expect(new Set(paid.map((one) => one.contentType)).size).toBeGreaterThanOrEqual(3)
  })

  test('is paid on the chain by the official client for every resource that has a price', async () => {
    const client = await createStockClient(sandbox, '10.00')
    const { honest } = sandbox.merchants
    for (const resource of honest.resources) {
      const before = await sandbox.balanceOf(client.address)
      const response = await client.fetch(honest.address + resource.path.replace(':n', '7'), {
        method: resource.method,
        ...(resource.body === undefined ? {} : { body: resource.body }),
      })
      expect(response.status, resource.name).toBe(200)
      expect(response.headers.get('content-type'), resource.name).toContain(resource.contentType)
      expect((await response.arrayBuffer()).byteLength, resource.name).toBeGreaterThan(0)
      const spent = before - (await sandbox.balanceOf(client.address))
      expect(spent, resource.name).toBe(micro(resource.price ?? '0'))
      if (resource.price === undefined) continue
      const claim = decodePaymentResponseHeader(response.headers.get('payment-response') ?? '')
      const transfers = await sandbox.transfers()
      expect(transfers.at(-1)).toEqual({
        from: client.address,
        to: honest.payee,
        value: micro(resource.price),
        transaction: claim.transaction,
      })
    }
  })

  test('echoes the body that was posted', async () => {
    const client = await createStockClient(sandbox, '1.00')
    const response = await client.fetch(`${sandbox.merchants.honest.address}/translate`, {
      method: 'POST',
      body: '{"text":"good evening"}',
    })
    expect(await response.json()).toEqual({
      asked: { text: 'good evening' },
      translation: 'bonjour',
    })
  })

  test('settles a hundred purchases at once, each in a transfer of its own', async () => {
    const client = await createStockClient(sandbox, '1.00')
    const { honest } = sandbox.merchants
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const response = await client.fetch(`${honest.address}/item/${index}`)
        return [response.status, await response.json()]
      }),
    )
    expect(answers).toEqual(answers.map((_, index) => [200, { item: String(index) }]))
    const transfers = (await sandbox.transfers()).filter((one) => one.from === client.address)
    expect(new Set(transfers.map((one) => one.transaction)).size).toBe(100)
    expect(await sandbox.balanceOf(client.address)).toBe(0n)
  })

  test('notes what it was asked, and whether a payment came along', async () => {
    const client = await createStockClient(sandbox, '1.00')
    const { honest } = sandbox.merchants
    const seen = honest.requests.length
    await (await client.fetch(`${honest.address}/quote`)).arrayBuffer()
    expect(honest.requests.slice(seen)).toEqual([
      { method: 'GET', path: '/quote', withPayment: false },
      { method: 'GET', path: '/quote', withPayment: true },
    ])
  })

  test('is known by a name of its own on the loopback interface', () => {
    const { honest } = sandbox.merchants
    const { port } = new URL(honest.address)
    expect(honest.address).toBe(`http://127.0.0.1:${port}`)
    expect(honest.url).toBe(`http://market.localhost:${port}`)
    expect(sandbox.hosts).toContain(`market.localhost:${port}`)
  })
})

describe('the facilitator', () => {
  test('answers the official client over HTTP', async () => {
    const facilitator = new HTTPFacilitatorClient({ url: sandbox.facilitatorUrl })
    expect((await facilitator.getSupported()).kinds).toEqual([
      { x402Version: 2, scheme: 'exact', network: 'eip155:31337' },
    ])
  })
})

describe('accounts', () => {
  test('hold the balance that they were created with', async () => {
    const { address } = await sandbox.createAccount('12.345678')
    expect(await sandbox.balanceOf(address)).toBe(12_345_678n)
  })

  test('hold nothing if no balance was named', async () => {
    const { address } = await sandbox.createAccount()
    expect(await sandbox.balanceOf(address)).toBe(0n)
  })

  test('can be given more, whoever has their key', async () => {
    const { address } = await sandbox.createAccount('1.00')
    await sandbox.fund(address, '0.50')
    expect(await sandbox.balanceOf(address)).toBe(1_500_000n)
  })

  test.each(['1.0000001', '-1', '1e3', ''])('cannot be created with %j dollars', async (amount) => {
    await expect(sandbox.createAccount(amount)).rejects.toThrow('is not a decimal amount')
  })
})

describe('time', () => {
  test('advances for the clock and the chain alike, and makes what happened before final', async () => {
    const { number } = await block('latest')
    const before = sandbox.clock()
    await sandbox.advanceTime(3600)
    expect(sandbox.clock() - before).toBeGreaterThanOrEqual(3_600_000)
    const final = await block('finalized')
    expect(final.number).toBeGreaterThanOrEqual(number)
    expect(final.timestamp).toBeGreaterThanOrEqual(Math.floor(before / 1000) + 3600)
    expect(final.timestamp).toBeLessThanOrEqual(sandbox.clock() / 1000)
  })

  test('makes a block final when two more are mined', async () => {
    const { number } = await block('latest')
    await sandbox.mine(2)
    expect((await block('finalized')).number).toBeGreaterThanOrEqual(number)
  })

  test.each([0, -1, 0.5, Number.NaN])('does not advance by %d', async (amount) => {
    await expect(sandbox.advanceTime(amount)).rejects.toThrow('must be a whole number above zero')
    await expect(sandbox.mine(amount)).rejects.toThrow('must be a whole number above zero')
  })
})

describe('the end', () => {
  test('comes for the chain and every port when the sandbox is stopped, and twice does no harm', async () => {
    const other = await startSandbox()
    await other.stop()
    await other.stop()
    expect(isRunning(other.processId)).toBe(false)
    await expect(fetch(other.merchants.honest.address)).rejects.toThrow('fetch failed')
    await expect(fetch(other.facilitatorUrl)).rejects.toThrow('fetch failed')
  })

  test('leaves nothing that would keep the process alive', async () => {
    const program = `
      import { startSandbox } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
      await using sandbox = await startSandbox()
      await (await fetch(sandbox.merchants.honest.address + '/catalogue')).text()
    `
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '--eval',
      program,
    ])
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' })
  })

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'comes for the chain when its parent dies of %s',
    async (signal) => {
      const program = `
      import { startSandbox } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
      console.log((await startSandbox()).rpcUrl)
    `
      const parent = spawn(process.execPath, ['--input-type=module', '--eval', program])
      const exited = once(parent, 'exit')
      const [rpcUrl] = (await once(createInterface(parent.stdout), 'line')) as [string]
      const connection = connect(Number(new URL(rpcUrl).port), '127.0.0.1')
      await once(connection, 'connect')
      const closed = once(connection, 'close')
      parent.kill(signal)
      await exited
      await closed
      await expect(fetch(rpcUrl)).rejects.toThrow('fetch failed')
    },
  )
})

async function block(tag: string): Promise<{ number: number; timestamp: number }> {
  const response = await fetch(sandbox.rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'eth_getBlockByNumber',
      params: [tag, false],
    }),
  })
  const { result } = (await response.json()) as { result: { number: string; timestamp: string } }
  return { number: Number(result.number), timestamp: Number(result.timestamp) }
}

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}

function micro(amount: string): bigint {
  return BigInt(Math.round(Number(amount) * 1_000_000))
}
