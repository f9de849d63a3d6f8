// #region config
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { type BursarConfig, defineConfig } from 'bursar'
import { privateKeyToAccount } from 'viem/accounts'

const config: BursarConfig = defineConfig({
  database: 'bursar.db', // or a postgres:// URL, for several servers
  rails: [x402({ networks: { 'eip155:8453': { rpcUrl: process.env.RPC_URL ?? '' } } })],
  instruments: {
    'alice-wallet': {
      endUser: 'alice',
      wallet: viemWallet({
        account: privateKeyToAccount(process.env.ALICE_WALLET_KEY as `0x${string}`),
      }),
    },
  },
  listen: { port: 8402 }, // only this machine can connect; for others, configure a host and TLS
})

export default config
// #endregion config
