import { type Denial, deny } from '../ledger/denial.ts'
import { debitMicro } from '../money/amount.ts'
import { type Asset, findAsset } from '../money/asset.ts'
import type { Challenge, Offer, Offers, Rail } from '../ports/rail.ts'
import { thrownErrorText } from '../primitives/errors.ts'

/** An offer that may be paid if the ledger allows it. */
export interface ChosenOffer {
  readonly rail: Rail
  readonly offer: Offer
  readonly asset: Asset
  readonly amountMicro: bigint
}

/**
 * Chooses among the offers of every rail: only pinned assets, on networks where the rail can prove
 * an outcome, in the session's currency. Returns at least one, the cheapest first, and equals in their order.
 */
export function chooseOffers(
  challenge: Challenge,
  rails: readonly Rail[],
  assets: readonly Asset[],
  currency: string,
): readonly ChosenOffer[] | Denial {
  const read = rails.map((rail) => ({ rail, offers: readOffers(rail, challenge, assets) }))
  const offered = read.flatMap(({ rail, offers }) =>
    offers?.kind === 'offers' ? offers.offers.map((offer) => ({ rail, offer })) : [],
  )
  if (offered.length === 0) {
    const leftOut = read.flatMap(({ offers }) =>
      offers?.kind === 'offers' ? [offers.leftOut.join('; ')] : [],
    )
    if (leftOut.length > 0) {
      const cause = leftOut.filter(Boolean).join('; ') || 'no rail has an offer in it'
      return deny('no_acceptable_offer', { host: challenge.url.host, cause })
    }
    const reasons = read.flatMap(({ offers }) =>
      offers?.kind === 'invalid' ? [offers.reason] : [],
    )
    const cause = reasons.join('; ') || 'no rail knows this challenge'
    return deny('challenge_invalid', { host: challenge.url.host, cause })
  }
  return sortPayableOffers(offered, assets, currency, challenge.url.host)
}

/** Reads a rail's offers. A rail that throws has not understood the challenge: it is invalid. */
function readOffers(
  rail: Rail,
  challenge: Challenge,
  assets: readonly Asset[],
): Offers | undefined {
  try {
    return rail.offers(challenge, assets)
  } catch (cause) {
    return { kind: 'invalid', reason: `rail ${rail.name}: ${thrownErrorText(cause)}` }
  }
}

/** Checks that an offer has an amount and a validity above zero, whatever the rail has parsed. */
function isPayableOffer({ atomic, validForSeconds }: Offer): boolean {
  return atomic > 0n && Number.isSafeInteger(validForSeconds) && validForSeconds > 0
}

function sortPayableOffers(
  offered: readonly { readonly rail: Rail; readonly offer: Offer }[],
  assets: readonly Asset[],
  currency: string,
  host: string,
): readonly ChosenOffer[] | Denial {
  const reachable = offered.filter(
    ({ rail, offer }) => rail.networks.includes(offer.network) && isPayableOffer(offer),
  )
  if (reachable.length === 0) return deny('no_acceptable_offer', { host })
  const known = reachable.flatMap(({ rail, offer }) => {
    const asset = findAsset(assets, offer.network, offer.asset)
    if (!asset) return []
    return [{ rail, offer, asset, amountMicro: debitMicro(offer.atomic, asset.decimals) }]
  })
  if (known.length === 0) {
    const cause = reachable.map(({ offer }) => `${offer.network} ${offer.asset}`).join(', ')
    return deny('unknown_asset', { host, cause })
  }
  const matching = known.filter(({ asset }) => asset.currency === currency)
  if (matching.length === 0) return deny('currency_mismatch', { host, currency })
  return matching.toSorted((one, next) => compareOfferAmounts(one.amountMicro, next.amountMicro))
}

function compareOfferAmounts(one: bigint, next: bigint): number {
  return one < next ? -1 : one > next ? 1 : 0
}
