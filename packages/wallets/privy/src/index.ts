export type { PrivyCredentials } from './privy-api.ts'
export { type PrivyOwner, type PrivyWalletOptions, privyWallet } from './privy-wallet.ts'
