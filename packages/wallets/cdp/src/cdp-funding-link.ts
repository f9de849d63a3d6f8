import { BursarError } from '@bursar/core'
import { SERVICE_URL, typeOf } from './cdp-answer.ts'
import { askCdp, type CdpCredentials, NothingSent } from './cdp-api.ts'

/** Settings of the page. */
export interface CdpFundingLinkOptions {
  /** Name of the network at CDP, such as `base`. */
  readonly network: string
  /** What is bought there: `USDC` if not given. */
  readonly currency?: string | undefined
  /** Fetches the project's credentials, for each request anew. */
  readonly credentials: () => Promise<CdpCredentials>
  /** Another address of the service, for tests. */
  readonly baseUrl?: string | undefined
}

/**
 * Makes links to CDP's onramp, where an end user pays money into their wallet: for an instrument's
 * `fundingLink`. A link is good once. Throws `wallet_unavailable` or `credential_expired`.
 *
 * @example
 * const fundingLink = cdpFundingLink({ network: 'base', credentials: () => secrets.open('cdp') })
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
    const path = '/v2/onramp/sessions'
    const answer = await askCdp({ credentials, baseUrl }, { method: 'POST', path, body }).catch(
      (error: unknown) => {
        if (!(error instanceof NothingSent)) throw error
        throw new BursarError(error.code, `cdpFundingLink: ${error.message}.`)
      },
    )
    const { session } = (answer.body ?? {}) as {
      readonly session?: { readonly onrampUrl?: unknown }
    }
    if (answer.status < 300 && typeof session?.onrampUrl === 'string') return session.onrampUrl
    const code = answer.status === 401 ? 'credential_expired' : 'wallet_unavailable'
    const text = `cdpFundingLink: CDP answered ${answer.status}: ${typeOf(answer)}.`
    throw new BursarError(code, text)
  }
}
