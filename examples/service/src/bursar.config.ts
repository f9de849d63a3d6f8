/** The configuration of the guard's process, read from an environment that no agent shares. */
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { type BursarConfig, defineConfig } from 'bursar'
import { privateKeyToAccount } from 'viem/accounts'
// For real money: networks are `{ 'eip155:8453': { rpcUrl } }`, and the other two are left out.
import { assets, development, networks } from './sandbox-chain.ts'

const wallet = (name: string): ReturnType<typeof viemWallet> =>
  viemWallet({ account: privateKeyToAccount(process.env[name] as `0x${string}`) })

const config: BursarConfig = defineConfig({
  rails: [x402({ networks })],
  instruments: {
    'alice-wallet': { endUser: 'alice', wallet: wallet('ALICE_WALLET_KEY') },
    'bob-wallet': { endUser: 'bob', wallet: wallet('BOB_WALLET_KEY') },
  },
  assets,
  development,
})

export default config
