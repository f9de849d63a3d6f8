import { expect, test } from 'vitest'
import { formatWorld, type WorldDescription } from './world-description.ts'

test('a world is shown with its prices', () => {
  const world = {
    rpcUrl: 'http://127.0.0.1:1',
    network: 'eip155:31337',
    facilitatorUrl: 'http://127.0.0.1:2',
    asset: { address: '0xaa', symbol: 'TUSD', decimals: 6 } as unknown as WorldDescription['asset'],
    hosts: ['market.localhost:3'],
    account: { address: '0x01', privateKey: '0x02' },
    merchants: [
      {
        name: 'market',
        url: 'http://market.localhost:3',
        address: 'http://127.0.0.1:3',
        payee: '0x03',
        resources: [
          { method: 'GET', path: '/quote', price: '0.01' },
          { method: 'GET', path: '/catalogue', price: undefined },
        ],
      },
    ],
  } satisfies WorldDescription
  const text = formatWorld(world)
  expect(text).toContain('  its key    0x02 (for this chain only)')
  expect(text).toMatch(/^ {2}GET {2}\/quote +0\.01 TUSD$/m)
  expect(text).toMatch(/^ {2}GET {2}\/catalogue +free$/m)
})
