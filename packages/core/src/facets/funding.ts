import { type Guard, payableAssets } from '../guard/guard.ts'
import type { Change } from '../ledger/ledger-state.ts'
import type { SecretOpening } from '../ledger/secret-opening.ts'
import { withinDeadline } from '../primitives/deadline.ts'
import { BursarError } from '../primitives/errors.ts'
import { duringSecretUse, type RecordOpening } from '../signing/secret-use.ts'

/** How an end user puts money into an instrument: outside, by themselves. The guard has no way to. */
export interface Funding {
  readonly instrument: string
  /** Where to send it. */
  readonly address: string
  /** What can be paid with afterwards. Anything else that is sent there is of no use here. */
  readonly assets: readonly {
    readonly network: string
    readonly address: string
    readonly symbol: string
  }[]
  /** A page of the provider where the end user pays in; made for them, and often good once. */
  readonly link?: string
}

/** A page that is not there within this time is not available. */
const LINK_TIMEOUT_MS = 15_000

/** No link of a provider is longer. */
const MAX_LINK_LENGTH = 4_096

/** Says where an end user can fund an instrument of theirs. Another's is unknown. */
export async function fundingOf(guard: Guard, endUser: string, handle: string): Promise<Funding> {
  const instrument = guard.instruments.get(handle)
  if (instrument?.endUser !== endUser) {
    const text = `funding: instrument: the end user has no instrument called ${handle}.`
    throw new BursarError('instrument_unknown', text)
  }
  const address = await guard.instruments.address(handle)
  const assets = payableAssets(guard).map(({ network, address, symbol }) => ({
    network,
    address,
    symbol,
  }))
  const { fundingLink } = instrument
  if (!fundingLink) return { instrument: handle, address, assets }
  const record: RecordOpening = (opening) =>
    guard.store.commit({}, () => openSecret(handle, endUser, opening), 'now')
  // The provider may open its secrets meanwhile: each is recorded first.
  const link = await duringSecretUse({ purpose: 'funding', instrument: handle }, record, () =>
    withinDeadline(fundingLink(address), LINK_TIMEOUT_MS),
  ).catch((cause: unknown) => {
    const text = `funding: instrument: the provider of ${handle} gave no link. Send to its address.`
    throw new BursarError('wallet_unavailable', text, { cause })
  })
  return { instrument: handle, address, assets, link: pageLink(link, handle) }
}

function openSecret(handle: string, endUser: string, opening: SecretOpening): Change<undefined> {
  const subject = { purpose: 'funding', instrument: handle, endUser } as const
  return { result: undefined, events: [{ type: 'secret-opened', ...subject, ...opening }] }
}

/** People follow it: nothing but a page, over an encrypted connection. */
function pageLink(link: unknown, handle: string): string {
  if (typeof link === 'string' && link.length <= MAX_LINK_LENGTH && URL.canParse(link)) {
    const { protocol, username, password, href } = new URL(link)
    if (protocol === 'https:' && username === '' && password === '') return href
  }
  const text = `funding: instrument: what the provider of ${handle} gave is no link to a page.`
  throw new BursarError('wallet_unavailable', text)
}
