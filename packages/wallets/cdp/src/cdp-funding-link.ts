import { BursarError } from '@bursar/core'
import { readCdpErrorType, SERVICE_URL } from './cdp-answer.ts'
import { type CdpCredentials, callCdp } from './cdp-api.ts'

/** The options of `cdpFundingLink`. */
export interface CdpFundingLinkOptions {
  /** The name of the network at CDP, such as `base`. */
  readonly network: string
  /**
   * The symbol of the currency to buy.
   *
   * @default 'USDC'
   */
  readonly currency?: string | undefined
  /** Fetches the project's credentials. Called for each request. */
  readonly credentials: () => Promise<CdpCredentials>
  /**
   * The address of the service. Set it in tests.
   *
   * @default 'https://api.cdp.coinbase.com/platform'
   */
  readonly baseUrl?: string | undefined
}

/**
 * Makes links to CDP's onramp, where end users pay money into their wallets. Give it to an
 * instrument as `fundingLink`. Each link works once.
 *
 * Throws `invalid_input` if `credentials` is no function. The returned function throws
 * `credential_expired` if CDP refuses the credentials, `wallet_answer_lost` if no answer came, and
 * `wallet_unavailable` for any other failure.
 *
 * @example
 * ```ts
 * import { type CdpCredentials, cdpFundingLink } from '@bursar/wallet-cdp'
 *
 * declare const credentials: () => Promise<CdpCredentials>
 *
 * const fundingLink = cdpFundingLink({ network: 'base', credentials })
 * const url = await fundingLink('0x2222222222222222222222222222222222222222')
 * ```
 */
export function cdpFundingLink(
  options: CdpFundingLinkOptions,
): (address: string) => Promise<string> {
  const { network, currency = 'USDC', credentials, baseUrl = SERVICE_URL } = options
  if (typeof credentials !== 'function') {
    throw new BursarError('invalid_input', 'cdpFundingLink: credentials: must be a function.')
  }
  return async (address) => {
    const body = {
      purchaseCurrency: currency,
      destinationNetwork: network,
      destinationAddress: address,
    }
    const request = { method: 'POST', path: '/v2/onramp/sessions', body } as const
    const answer = await callCdp('cdpFundingLink', { credentials, baseUrl }, request)
    const { session } = (answer.body ?? {}) as {
      readonly session?: { readonly onrampUrl?: unknown }
    }
    if (answer.status < 300 && typeof session?.onrampUrl === 'string') return session.onrampUrl
    const code = answer.status === 401 ? 'credential_expired' : 'wallet_unavailable'
    const text = `cdpFundingLink: CDP answered ${answer.status}: ${readCdpErrorType(answer)}.`
    throw new BursarError(code, text)
  }
}
