export type { SandboxAsset, SandboxTransfer } from './chain/test-dollar.ts'
export type { HostileMerchant, RedirectingMerchant } from './hostile/hostile-merchant.ts'
export type { HostileMerchants, HostileName } from './hostile/hostile-merchants.ts'
export type { WithholdingMerchant } from './hostile/withholds.ts'
export type { HonestMerchant } from './merchants/honest-merchant.ts'
export type { LegacyMerchant } from './merchants/legacy-merchant.ts'
export type { Merchant, MerchantRequest, Resource } from './merchants/merchant.ts'
export {
  type CdpProjectCredentials,
  type CdpService,
  startCdpService,
} from './providers/cdp-service.ts'
export {
  type PrivyAppCredentials,
  type PrivyService,
  startPrivyService,
} from './providers/privy-service.ts'
export type { ProviderFault } from './providers/provider-server.ts'
export {
  type Sandbox,
  type SandboxAccount,
  type SandboxOptions,
  startSandbox,
} from './sandbox.ts'
export { describeWorld, formatWorld, type WorldDescription } from './world-description.ts'
