export type { CdpCredentials } from './cdp-api.ts'
export { type CdpFundingLinkOptions, cdpFundingLink } from './cdp-funding-link.ts'
export { type CdpSpendPermissionsOptions, cdpSpendPermissions } from './cdp-spend-permissions.ts'
export { type CdpWalletOptions, cdpWallet } from './cdp-wallet.ts'
