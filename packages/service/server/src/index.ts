export type { Problem } from './api/problem.ts'
export { access, type OperationName } from './auth/access.ts'
export type { IdentityOptions } from './auth/identity-provider.ts'
export {
  type BursarConfig,
  defineConfig,
  type Environment,
  type ListenOptions,
  readSettings,
  type Settings,
} from './config/config.ts'
export { EXAMPLE_KEY } from './config/unsafe-settings.ts'
export type { RequestLog, RequestLogEntry } from './http/request-log.ts'
export { type ServeOptions, type Service, serve } from './http/service.ts'
export { openGuard } from './ledger/open-guard.ts'
export type { AwsPlace } from './vault/aws-call.ts'
export { type AwsKmsKeyOptions, awsKmsKey } from './vault/aws-kms-key.ts'
export { type LocalKeyOptions, localKey } from './vault/local-key.ts'
export type { OpenedSecret } from './vault/opened-secret.ts'
export type { SecretBinding } from './vault/sealed-secret.ts'
export { type SealedVault, type SealedVaultOptions, sealedVault } from './vault/sealed-vault.ts'
export type { SecretProblem } from './vault/secret-problem.ts'
export type { SecretSummary } from './vault/secret-summary.ts'
export { secretsManagerVault } from './vault/secrets-manager-vault.ts'
export type { Vault } from './vault/vault.ts'
export type { VaultChanges } from './vault/vault-changes.ts'
export type { VaultFundingLinkOptions } from './vault/vault-funding-link.ts'
export type { VaultPermissionsOptions } from './vault/vault-permissions.ts'
export type { VaultWalletOptions } from './vault/vault-wallet.ts'
export type { WrappedKey, WrappingKey } from './vault/wrapping-key.ts'
