import { type Guard, payableGuardAssets } from '../guard/guard.ts'
import type { Change } from '../ledger/ledger-state.ts'
import type { SecretOpening } from '../ledger/secret-opening.ts'
import { withinDeadline } from '../primitives/deadline.ts'
import { BursarError } from '../primitives/errors.ts'
import { duringSecretUse, type RecordOpening } from '../signing/secret-use.ts'

/** The place where an end user pays money into an instrument themselves. The guard can't move money there. */
export interface Funding {
  /** The instrument's handle. */
  readonly instrument: string
  /** The address to send money to. */
  readonly address: string
  /** The assets that the guard can pay with. Another asset that is sent to the address can't be spent here. */
  readonly assets: readonly {
    readonly network: string
    readonly address: string
    readonly symbol: string
  }[]
  /** An https page of the provider where the end user pays in, often good for one visit. */
  readonly link?: string
}

/** The longest time that the guard waits for a provider's link. */
const LINK_TIMEOUT_MS = 15_000

/** The most characters of a provider's link. */
const MAX_LINK_LENGTH = 4_096

/** Returns where an end user can fund an instrument. Throws `instrument_unknown` if it belongs to another. */
export async function readFunding(guard: Guard, endUser: string, handle: string): Promise<Funding> {
  const instrument = guard.instruments.get(handle)
  if (instrument?.endUser !== endUser) {
    const text = `funding: instrument: the end user has no instrument called ${handle}.`
    throw new BursarError('instrument_unknown', text)
  }
  const address = await guard.instruments.address(handle)
  const assets = payableGuardAssets(guard).map(({ network, address, symbol }) => ({
    network,
    address,
    symbol,
  }))
  const { fundingLink } = instrument
  if (!fundingLink) return { instrument: handle, address, assets }
  const record: RecordOpening = (opening) =>
    guard.store.commit({}, () => recordFundingSecretUse(handle, endUser, opening), 'now')
  // The provider's code may open secrets during the call: each opening is recorded first.
  const link = await duringSecretUse({ purpose: 'funding', instrument: handle }, record, () =>
    withinDeadline(fundingLink(address), LINK_TIMEOUT_MS),
  ).catch((cause: unknown) => {
    const text = `funding: instrument: the provider of ${handle} gave no link. Send to its address.`
    throw new BursarError('wallet_unavailable', text, { cause })
  })
  return { instrument: handle, address, assets, link: parseFundingLink(link, handle) }
}

function recordFundingSecretUse(
  handle: string,
  endUser: string,
  opening: SecretOpening,
): Change<undefined> {
  const subject = { purpose: 'funding', instrument: handle, endUser } as const
  return { result: undefined, events: [{ type: 'secret-opened', ...subject, ...opening }] }
}

/** Checks that a link is an https URL without user info, since people follow it. Throws `wallet_unavailable`. */
function parseFundingLink(link: unknown, handle: string): string {
  if (typeof link === 'string' && link.length <= MAX_LINK_LENGTH && URL.canParse(link)) {
    const { protocol, username, password, href } = new URL(link)
    if (protocol === 'https:' && username === '' && password === '') return href
  }
  const text = `funding: instrument: what the provider of ${handle} gave is no link to a page.`
  throw new BursarError('wallet_unavailable', text)
}
