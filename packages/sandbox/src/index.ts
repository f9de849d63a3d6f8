export type { HonestMerchant } from './honest-merchant.ts'
export type { Merchant, MerchantRequest, Resource } from './merchant.ts'
export {
  type Sandbox,
  type SandboxAccount,
  type SandboxOptions,
  startSandbox,
} from './sandbox.ts'
export type { SandboxAsset, SandboxTransfer } from './test-dollar.ts'
