import { fakeAsset, fakeChain, fakeMerchant, fakeRail, fakeWallet } from '@bursar/core/testing'
import { expect, onTestFinished, test } from 'vitest'
import { serve } from '../http/service.ts'
import { type BursarConfig, defineConfig, type ListenOptions, readSettings } from './config.ts'
import { findUnsafeSettings } from './unsafe-settings.ts'

/**
 * A loopback address that the safety check takes for a public one. Tests must not listen elsewhere.
 */
const UNRECOGNISED_LOOPBACK = '::ffff:127.0.0.1'

function createConfig(listen: ListenOptions): BursarConfig {
  const chain = fakeChain({ clock: Date.now })
  return defineConfig({
    database: ':memory:',
    rails: [fakeRail({ chain })],
    http: fakeMerchant({ chain }),
    assets: [fakeAsset],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet: fakeWallet() } },
    listen: { port: 0, ...listen },
  })
}

test.each<[boolean | undefined, string | undefined, boolean]>([
  [undefined, undefined, false],
  [false, undefined, false],
  [true, undefined, true],
  [undefined, '1', true],
  [false, '1', true],
  [true, '0', false],
])(
  'behindProxy %s with BURSAR_BEHIND_PROXY=%s allows plain http: %s',
  (option, variable, isSafe) => {
    const config = createConfig({ host: '0.0.0.0', behindProxy: option })
    const settings = readSettings(config, { BURSAR_BEHIND_PROXY: variable })
    expect(settings.behindProxy).toBe(isSafe)
    const reasons = isSafe ? [] : [expect.stringContaining('set listen.behindProxy')]
    expect(findUnsafeSettings(settings)).toEqual(reasons)
  },
)

test('behindProxy does not allow development mode on an open address', () => {
  const config = createConfig({ host: '0.0.0.0', behindProxy: true })
  const development = { hosts: ['shop.localhost:1'] }
  expect(findUnsafeSettings(readSettings({ ...config, development }, {}))).toEqual([
    expect.stringContaining('development mode'),
  ])
})

test('a service on an open address starts behind a proxy only', async () => {
  const host = UNRECOGNISED_LOOPBACK
  const options = { environment: {}, log: () => {} }
  await expect(serve(createConfig({ host }), options)).rejects.toMatchObject({
    code: 'unsafe_configuration',
  })
  const service = await serve(createConfig({ host, behindProxy: true }), options)
  onTestFinished(() => service.close())
  expect(service.url).toMatch(/^http:/)
  const { port } = new URL(service.url)
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
})
