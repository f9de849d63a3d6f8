import { readdirSync, readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { BursarError, pinnedAssets } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import { type X402Options, x402 } from './x402.ts'

function messageOf(options: unknown): unknown {
  try {
    return x402(options as X402Options)
  } catch (error) {
    return BursarError.isInstance(error) && error.code === 'invalid_input' ? error.message : error
  }
}

const key = "must be a key such as 'eip155:8453'"
const url = 'must be an http or https URL'

describe('the options of the rail', () => {
  test('name networks, and endpoints that may be private', () => {
    const rail = x402({
      networks: {
        'eip155:8453': { rpcUrl: 'https://rpc.example/v2/a-secret' },
        'eip155:31337': { rpcUrl: 'http://127.0.0.1:8545' },
      },
    })
    expect(rail.name).toBe('x402')
    expect(rail.networks).toEqual(['eip155:8453', 'eip155:31337'])
    expect(inspect(rail, { depth: 9, showHidden: true })).not.toContain('a-secret')
  })

  test.each<[unknown, string]>([
    [undefined, 'x402: its argument: '],
    [{}, 'x402: networks: '],
    [{ networks: {} }, 'x402: networks: must name at least one network.'],
    [{ networks: { base: { rpcUrl: 'https://rpc.example' } } }, `x402: networks.base: `],
    [{ networks: { 'eip155:0': { rpcUrl: 'https://rpc.example' } } }, 'x402: networks.eip155:0: '],
    [{ networks: { 'eip155:1': {} } }, 'x402: networks.eip155:1.rpcUrl: '],
    [
      { networks: { 'eip155:1': { rpcUrl: 'rpc.example' } } },
      `x402: networks.eip155:1.rpcUrl: ${url}.`,
    ],
    [
      { networks: { 'eip155:1': { rpcUrl: 'file:///etc' } } },
      `x402: networks.eip155:1.rpcUrl: ${url}.`,
    ],
    [
      { networks: { 'eip155:1': { rpcUrl: 'https://a.example', key: 1 } } },
      'x402: networks.eip155:1: ',
    ],
    [
      { networks: { 'eip155:1': { rpcUrl: 'https://a.example' } }, network: 1 },
      'x402: its argument: ',
    ],
  ])('%j are refused', (options, message) => {
    expect(messageOf(options)).toContain(message)
  })

  test('say how a network is named', () => {
    expect(messageOf({ networks: { base: { rpcUrl: 'https://rpc.example' } } })).toContain(key)
  })
})

describe('an endpoint that does not answer', () => {
  const secret = 'a-secret-path'
  const [asset] = pinnedAssets
  if (!asset) throw new Error('No asset is pinned.')
  // Port 1 of the loopback interface refuses connections.
  const rail = x402({ networks: { 'eip155:1': { rpcUrl: `http://127.0.0.1:1/${secret}` } } })

  test('is an error that does not tell its URL', async () => {
    const error: unknown = await rail.balance(asset, asset.address).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'rail_unreachable' })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret)
  })

  test('of a network that is not configured is an error', async () => {
    const elsewhere = { ...asset, network: 'eip155:8453' }
    await expect(rail.balance(elsewhere, asset.address)).rejects.toMatchObject({
      code: 'network_unknown',
    })
  })
})

test('viem is loaded when the rail is used, not when it is imported', () => {
  const sources = readdirSync(import.meta.dirname).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )
  expect(sources).toContain('x402.ts')
  for (const source of sources) {
    const text = readFileSync(`${import.meta.dirname}/${source}`, 'utf8')
    expect(text.replaceAll(/^import type .*$/gm, '')).not.toMatch(/from 'viem/)
  }
})
