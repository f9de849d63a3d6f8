import { runInTelemetrySpan } from '../guard/telemetry.ts'
import type { PayingState } from '../ledger/paying-state.ts'
import { BursarError } from '../primitives/errors.ts'
import type { Funds } from '../rules/reservation.ts'
import type { OpenCall } from './call-context.ts'
import type { ChosenOffer } from './choose-offer.ts'

/** The most assets of which one call reads the balance: a merchant decides how many offers it makes. */
const MAX_BALANCES = 3

/** An offer, and what the payer holds of its asset. */
export interface FundedOffer {
  readonly chosen: ChosenOffer
  readonly funds: Funds
}

/**
 * Chooses the first offer that the payer can pay, among those whose payees the end user and the manager have not
 * ruled out. If none can be paid, returns one with the reason: a balance that could not be read comes before
 * one that is too low. `offers` are the cheapest first, and not empty.
 */
export async function chooseFundedOffer(
  context: OpenCall,
  offers: readonly ChosenOffer[],
): Promise<FundedOffer> {
  const { guard, state } = context
  const allowed = offers.filter((one) => isListedOfferPayee(state, context, one))
  const candidates = allowed.length > 0 ? allowed : offers
  return runInTelemetrySpan('bursar.balance', {}, async () => {
    const payer = await guard.instruments.address(state.delegation.instrument).catch(noFundedOffer)
    if (payer === undefined) return offerWithoutPayer(candidates)
    const asked = new Set<string>()
    let refused: FundedOffer | undefined
    for (const chosen of candidates) {
      asked.add(`${chosen.asset.network} ${chosen.asset.address}`)
      if (asked.size > MAX_BALANCES) break
      const funds = await readBalanceForOffer(context, chosen, payer)
      if (canPay(chosen, funds)) return { chosen, funds }
      if (!refused || (refused.funds.unread === undefined && funds.unread))
        refused = { chosen, funds }
    }
    return refused ?? offerWithoutPayer(candidates)
  })
}

function noFundedOffer(): undefined {
  return undefined
}

function canPay({ offer }: ChosenOffer, { balanceAtomic }: Funds): boolean {
  return balanceAtomic !== undefined && balanceAtomic >= offer.atomic
}

/** Checks that no list of payees for the host leaves an offer's payee out. */
function isListedOfferPayee(
  { session, ancestors, delegation }: PayingState,
  { request }: OpenCall,
  { offer }: ChosenOffer,
): boolean {
  return [session, ...ancestors, delegation].every(({ merchants }) => {
    const payees = merchants?.find(({ host }) => host === request.url.host)?.payees
    return payees === undefined || payees.includes(offer.payee.toLowerCase())
  })
}

async function readBalanceForOffer(
  { guard, state }: OpenCall,
  { rail, asset }: ChosenOffer,
  payer: string,
): Promise<Funds> {
  const { endUser } = state.delegation
  try {
    const balanceAtomic = await guard.instruments.balance(rail, asset, payer, (read) =>
      guard.networkAsks.run(asset.network, endUser, read),
    )
    return { payer, balanceAtomic }
  } catch (error) {
    const said = BursarError.isInstance(error) ? error.message : 'no answer'
    const cause = `the balance of ${payer} on ${asset.network} is not known: ${said}`
    return { payer, balanceAtomic: undefined, unread: { code: 'network_unavailable', cause } }
  }
}

function offerWithoutPayer([chosen]: readonly ChosenOffer[]): FundedOffer {
  if (!chosen) throw new BursarError('invariant_broken', 'There is no offer to choose from.')
  const unread = { code: 'wallet_unavailable', cause: 'the wallet gave no address' } as const
  return { chosen, funds: { payer: 'the instrument', balanceAtomic: undefined, unread } }
}
