import { fakeAsset, fakeChain, fakeMerchant, fakeRail, fakeWallet } from '@bursar/core/testing'
import { type BursarConfig, defineConfig } from 'bursar'

/** A configuration with a fake chain and a fake merchant. `BURSAR_DATABASE` names its ledger. */
// Payments must not become final while a test runs.
const chain = fakeChain({ clock: Date.now, finalitySeconds: 3_600 })
const wallet = fakeWallet()
chain.mint(fakeAsset, await wallet.address('evm'), 1_000_000_000n)
const shop = fakeMerchant({
  chain,
  resource: ({ url }) => (url.pathname.startsWith('/drops') ? { conduct: 'drops' } : {}),
})

const config: BursarConfig = defineConfig({
  rails: [fakeRail({ chain, cancels: true })],
  // Several guards use the merchant in turn, so closing one guard must keep the merchant open.
  http: { request: shop.request, close: async () => {} },
  assets: [fakeAsset],
  instruments: { 'alice-wallet': { endUser: 'alice', wallet } },
  listen: { port: 0 },
})

export default config
