import { EVM_NETWORK_CHAIN_ID_MAP } from '@x402/evm/v1'
import { expect, test } from 'vitest'
import { parseChainOfNetworkName, toNetworkName } from './network-name.ts'

test('every name of the official package means the same network', () => {
  for (const [name, chainId] of Object.entries(EVM_NETWORK_CHAIN_ID_MAP)) {
    expect(toNetworkName(name), name).toBe(`eip155:${chainId}`)
  }
})

test('other text is given back, and a chain id is the number in a CAIP-2 id', () => {
  expect(toNetworkName('eip155:31337')).toBe('eip155:31337')
  expect(toNetworkName('constructor')).toBe('constructor')
  expect(parseChainOfNetworkName('eip155:31337')).toBe(31_337)
})
