import type { OpenedSecret } from './opened-secret.ts'
import { requestWithSecret } from './request-with-secret.ts'
import type { SecretSource } from './secret-source.ts'

/** Links to a provider's page whose credentials are in a vault. */
export interface VaultFundingLinkOptions {
  /** The secret's name. */
  readonly secret: string
  /** Makes what makes the link, for one link, with the opened secret. */
  readonly fundingLink: (secret: OpenedSecret) => (address: string) => Promise<string>
}

/** Opens the secret for each link that an end user asks for, and records that first. */
export function vaultFundingLink(
  source: SecretSource,
  options: VaultFundingLinkOptions,
): (address: string) => Promise<string> {
  const { secret, fundingLink } = options
  return (address) =>
    requestWithSecret(source, secret, 'funding', (opened) => fundingLink(opened)(address))
}
