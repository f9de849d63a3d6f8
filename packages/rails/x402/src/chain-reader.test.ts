import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { encodeAbiParameters, encodeEventTopics, parseAbi } from 'viem'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type ChainReader, createChainReader } from './chain-reader.ts'
import { type RpcEndpoint, rpcEndpoints } from './rpc-endpoint.ts'

const token = `0x${'c'.repeat(40)}` as const
const payer = `0x${'a'.repeat(40)}` as const
const payee = `0x${'b'.repeat(40)}` as const
const nonce = `0x${'01'.repeat(32)}` as const
const hash = `0x${'cd'.repeat(32)}` as const
const secret = 'a-secret-path'

type Answer = (params: unknown[]) => unknown

const servers: Server[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

/** Starts an RPC endpoint with these methods. An answer that throws becomes an RPC error. */
async function endpoint(answers: Record<string, Answer>): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString())
    response.setHeader('content-type', 'application/json')
    try {
      const result = answers[method]?.(params)
      if (result === undefined) return
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
    } catch (error) {
      const message = (error as Error).message
      response.end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32000, message } }))
    }
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/${secret}`
}

function readerAt(url: string): ChainReader {
  return createChainReader(rpcEndpoints('eip155:1', [url])[0] as RpcEndpoint)
}

async function readerOf(answers: Record<string, Answer>): Promise<ChainReader> {
  return readerAt(await endpoint({ eth_chainId: () => '0x1', ...answers }))
}

const abi = parseAbi([
  'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
  'event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
])

function nonceLog(eventName: 'AuthorizationUsed' | 'AuthorizationCanceled', address = token) {
  const topics = encodeEventTopics({ abi, eventName, args: { authorizer: payer, nonce } })
  return { address, topics, data: '0x' }
}

function transferLog(address: string = token) {
  const eventName = 'Transfer' as const
  const topics = encodeEventTopics({ abi, eventName, args: { from: payer, to: payee } })
  return { address, topics, data: encodeAbiParameters([{ type: 'uint256' }], [10_000n]) }
}

function receiptOf(logs: readonly object[], status = '0x1') {
  const place = { transactionHash: hash, transactionIndex: '0x0', blockNumber: '0x10' }
  return {
    ...place,
    status,
    blockHash: hash,
    cumulativeGasUsed: '0x1',
    gasUsed: '0x1',
    effectiveGasPrice: '0x1',
    type: '0x2',
    from: payer,
    to: token,
    logsBloom: '0x',
    logs: logs.map((log, index) => ({
      ...log,
      ...place,
      blockHash: hash,
      logIndex: `0x${index}`,
      removed: false,
    })),
  }
}

describe('a receipt', () => {
  test('is what the token said, in its order', async () => {
    const logs = [nonceLog('AuthorizationUsed'), transferLog(), nonceLog('AuthorizationCanceled')]
    const reader = await readerOf({ eth_getTransactionReceipt: () => receiptOf(logs) })
    expect(await reader.receipt(token, hash)).toEqual({
      transaction: hash,
      block: 16n,
      events: [
        { kind: 'used', authorizer: payer, nonce },
        { kind: 'transfer', from: payer, to: payee, value: 10_000n },
        { kind: 'canceled', authorizer: payer, nonce },
      ],
    })
  })

  test('leaves out what other contracts say, and events that it does not know', async () => {
    const other = { address: token, topics: [hash], data: '0x' }
    const short = { ...transferLog(), data: '0x' }
    const logs = [nonceLog('AuthorizationUsed', payee as never), transferLog(payee), other, short]
    const reader = await readerOf({ eth_getTransactionReceipt: () => receiptOf(logs) })
    expect(await reader.receipt(token, hash)).toMatchObject({ events: [] })
  })

  test('of a reverted transaction is none, and neither is a missing one', async () => {
    const logs = [nonceLog('AuthorizationUsed'), transferLog()]
    const reverted = await readerOf({ eth_getTransactionReceipt: () => receiptOf(logs, '0x0') })
    expect(await reverted.receipt(token, hash)).toBe(undefined)
    const missing = await readerOf({ eth_getTransactionReceipt: () => null })
    expect(await missing.receipt(token, hash)).toBe(undefined)
  })
})

describe('a question', () => {
  test('for a nonce is asked of one contract, in one range, for both events', async () => {
    const asked: unknown[] = []
    const reader = await readerOf({
      eth_getLogs(params) {
        asked.push(...params)
        return [{ transactionHash: hash }, { transactionHash: null }]
      },
    })
    const blocks = { from: 16n, to: 255n }
    expect(await reader.findNonce(token, payer.toUpperCase(), nonce, blocks)).toEqual([hash])
    const topics = [
      [nonceLog('AuthorizationUsed').topics[0], nonceLog('AuthorizationCanceled').topics[0]],
      `0x${'0'.repeat(24)}${'a'.repeat(40)}`,
      nonce,
    ]
    expect(asked).toEqual([{ address: token, topics, fromBlock: '0x10', toBlock: '0xff' }])
  })

  test('for the state of a nonce is asked at the block, for a balance at the newest', async () => {
    const asked: unknown[] = []
    const reader = await readerOf({
      eth_call(params) {
        asked.push(params[1])
        return `0x${'1'.padStart(64, '0')}`
      },
    })
    expect(await reader.isNonceUsed(token, payer, nonce, 16n)).toBe(true)
    expect(await reader.balance(token, payer)).toBe(1n)
    expect(asked).toEqual(['0x10', 'latest'])
  })

  test('for the final block names it', async () => {
    const asked: unknown[] = []
    const reader = await readerOf({
      eth_getBlockByNumber(params) {
        asked.push(params[0])
        return { number: '0x10', timestamp: '0x64', transactions: [] }
      },
    })
    expect(await reader.finalBlock()).toMatchObject({ number: 16n, timestamp: 100n })
    expect(await reader.block(5n)).toMatchObject({ number: 16n, timestamp: 100n })
    expect(asked).toEqual(['finalized', '0x5'])
  })
})

describe('an endpoint', () => {
  async function failureOf(asking: Promise<unknown>): Promise<unknown> {
    const error: unknown = await asking.catch((thrown: unknown) => thrown)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret)
    return error
  }

  test('that refuses connections is an error that does not tell its URL', async () => {
    // Port 1 of the loopback interface has no listener.
    const reader = readerAt(`http://127.0.0.1:1/${secret}`)
    expect(await failureOf(reader.finalBlock())).toMatchObject({ code: 'rail_unreachable' })
  })

  test('that answers with an error is one, and says what was asked', async () => {
    const reader = await readerOf({
      eth_call() {
        throw new Error(`missing trie node, see ${secret}`)
      },
    })
    expect(await failureOf(reader.isNonceUsed(token, payer, nonce, 16n))).toMatchObject({
      code: 'rail_unreachable',
      message: expect.stringMatching(/^eip155:1: authorizationState could not be read\./),
    })
  })

  test('that knows no such contract or no final block proves nothing', async () => {
    const reader = await readerOf({ eth_call: () => '0x', eth_getBlockByNumber: () => null })
    const unreachable = { code: 'rail_unreachable' }
    expect(await failureOf(reader.isNonceUsed(token, payer, nonce, 1n))).toMatchObject(unreachable)
    expect(await failureOf(reader.balance(token, payer))).toMatchObject(unreachable)
    expect(await failureOf(reader.finalBlock())).toMatchObject(unreachable)
  })

  test('of another chain proves nothing, until it serves the right one', async () => {
    let chainId = '0x2105'
    const balance = `0x${'7'.padStart(64, '0')}`
    const reader = await readerOf({ eth_chainId: () => chainId, eth_call: () => balance })
    expect(await failureOf(reader.balance(token, payer))).toMatchObject({
      code: 'wrong_chain',
      message: 'The RPC endpoint of eip155:1 serves chain 8453. Nothing can be proven through it.',
    })
    chainId = '0x1'
    expect(await reader.balance(token, payer)).toBe(7n)
  })

  test('that never answers is given up after ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const asked = Promise.withResolvers<void>()
    const reader = await readerOf({ eth_call: () => void asked.resolve() })
    const failure = failureOf(reader.balance(token, payer))
    await asked.promise
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await failure).toMatchObject({ code: 'rail_unreachable' })
  })
})
