// #region config
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { type BursarConfig, defineConfig } from 'bursar'
import { privateKeyToAccount } from 'viem/accounts'

const config: BursarConfig = defineConfig({
  database: 'bursar.db', // or postgres://…, which any number of servers share
  rails: [x402({ networks: { 'eip155:8453': { rpcUrl: process.env.RPC_URL ?? '' } } })],
  instruments: {
    'alice-wallet': {
      endUser: 'alice',
      wallet: viemWallet({
        account: privateKeyToAccount(process.env.ALICE_WALLET_KEY as `0x${string}`),
      }),
    },
  },
  listen: { port: 8402 }, // this machine alone, unless a host is named and TLS is configured
})

export default config
// #endregion config
