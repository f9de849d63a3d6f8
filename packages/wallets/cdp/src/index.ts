export type { CdpCredentials } from './cdp-api.ts'
export { type CdpWalletOptions, cdpWallet } from './cdp-wallet.ts'
