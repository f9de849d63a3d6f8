export type { PrivyCredentials } from './privy-api.ts'
export { type PrivyPermissionsOptions, privyPermissions } from './privy-permissions.ts'
export { type PrivyOwner, type PrivyWalletOptions, privyWallet } from './privy-wallet.ts'
