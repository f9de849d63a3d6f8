// #region config
import { cdpFundingLink, cdpWallet } from '@bursar/wallet-cdp'
import { x402 } from '@bursar/x402'
import { type BursarConfig, defineConfig, localKey, sealedVault } from 'bursar'

const vault = sealedVault({
  database: 'bursar.vault', // or postgres://…, which may be the ledger's
  keys: [localKey({ path: '/etc/bursar/bursar.key' })], // or awsKmsKey({ keyArn: 'arn:aws:kms:…' })
})

const address = '0x7e57000000000000000000000000000000000a11' // as CDP shows it

const config: BursarConfig = defineConfig({
  database: 'bursar.db',
  vault, // what the command line works on
  rails: [x402({ networks: { 'eip155:8453': { rpcUrl: process.env.RPC_URL ?? '' } } })],
  instruments: {
    'alice-wallet': {
      endUser: 'alice',
      wallet: vault.wallet({
        secret: 'cdp',
        address,
        wallet: (secret) =>
          cdpWallet({
            account: 'alice-wallet',
            address,
            credentials: async () => secret.fields('apiKeyId', 'apiKeySecret', 'walletSecret'),
          }),
      }),
      fundingLink: vault.fundingLink({
        secret: 'cdp',
        fundingLink: (secret) =>
          cdpFundingLink({
            network: 'base',
            credentials: async () => secret.fields('apiKeyId', 'apiKeySecret', 'walletSecret'),
          }),
      }),
    },
  },
})

export default config
// #endregion
