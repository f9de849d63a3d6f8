import type { OpenedSecret } from './opened-secret.ts'
import { requestWithSecret } from './request-with-secret.ts'
import type { SecretSource } from './secret-source.ts'

/** The options of `vault.fundingLink`. */
export interface VaultFundingLinkOptions {
  /** The name of the secret with the provider's credentials. */
  readonly secret: string
  /**
   * Creates the provider's function for funding links from the opened secret. The function is used
   * for one link.
   */
  readonly fundingLink: (secret: OpenedSecret) => (address: string) => Promise<string>
}

/** Creates a function that opens the secret for each link, and records each opening before it. */
export function vaultFundingLink(
  source: SecretSource,
  options: VaultFundingLinkOptions,
): (address: string) => Promise<string> {
  const { secret, fundingLink } = options
  return (address) =>
    requestWithSecret(source, secret, 'funding', (opened) => fundingLink(opened)(address))
}
