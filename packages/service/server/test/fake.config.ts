import { fakeAsset, fakeChain, fakeMerchant, fakeRail, fakeWallet } from '@bursar/core/testing'
import { type BursarConfig, defineConfig } from 'bursar'

/** A configuration over fakes, for the command line: where its ledger is, `BURSAR_DATABASE` says. */
// Nothing is proved as long as a test runs.
const chain = fakeChain({ clock: Date.now, finalitySeconds: 3_600 })
const wallet = fakeWallet()
chain.mint(fakeAsset, await wallet.address('evm'), 1_000_000_000n)
const shop = fakeMerchant({
  chain,
  resource: ({ url }) => (url.pathname.startsWith('/drops') ? { conduct: 'drops' } : {}),
})

const config: BursarConfig = defineConfig({
  rails: [fakeRail({ chain, cancels: true })],
  // One guard after another talks to it: none of them closes it for the next.
  http: { request: shop.request, close: async () => {} },
  assets: [fakeAsset],
  instruments: { 'alice-wallet': { endUser: 'alice', wallet } },
  listen: { port: 0 },
})

export default config
