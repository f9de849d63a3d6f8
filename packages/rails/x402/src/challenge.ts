import type { Asset, Challenge, Offer, Offers } from '@bursar/core'
import { z } from 'zod'
import { type Extensions, readExtensions } from './extensions.ts'
import { type Accepted, readEntry } from './offer-entry.ts'
import { findPaymentRequired, findToolPaymentRequired } from './payment-required.ts'

/** The most entries of one challenge that are read: a merchant has a few networks and assets. */
export const MAX_ENTRIES = 50

/** The most reasons for left-out entries that are recorded. Further ones are only counted. */
const MAX_LEFT_OUT = 10

/** The longest URL of a resource. */
const MAX_URL_LENGTH = 2_048

/** The data that `prove` has to see again: an entry exactly as it was offered, and where it came from. */
export type Echo = (EchoV2 | EchoV1) & {
  /** The transport of the challenge, and of the payload that answers it. */
  readonly transport: 'http' | 'mcp'
}

type EchoV2 = {
  readonly version: 2
  /** The URL of the resource that the challenge names. Absent if it names none. */
  readonly resourceUrl?: string
  readonly accepted: Accepted
  readonly extensions?: Extensions
}

type EchoV1 = { readonly version: 1; readonly scheme: string; readonly network: string }

/**
 * Reads a challenge of x402, over HTTP from its headers or its body, over MCP from the answer to a
 * tool call, by the version that it names.
 *
 * Left out, and named in `leftOut`, are entries for other payers (another scheme, network or way to
 * transfer), entries that could never settle (the name of another token, too short a validity), and
 * those behind the first 50. An entry for this rail that breaks the protocol makes the whole challenge
 * invalid, because such a merchant is broken or hostile: nothing of it is paid.
 *
 * Returns undefined if the answer is no challenge of x402.
 */
export function readChallenge(
  challenge: Challenge,
  networks: readonly string[],
  assets: readonly Asset[],
): Offers | undefined {
  const isTool = 'message' in challenge
  const found = isTool ? findToolPaymentRequired(challenge) : findPaymentRequired(challenge)
  if (!found) return undefined
  const { where, decoded } = found
  if ('problem' in decoded) return invalidChallenge(`${where} ${decoded.problem}.`)
  const required = requiredSchema.safeParse(decoded.value)
  if (!required.success) return describeMalformedChallenge(required.error)
  const source = { transport: isTool ? 'mcp' : 'http', host: challenge.url.host } as const
  return readChallengeAccepts(required.data, source, networks, assets)
}

const requiredSchema = z.object({
  x402Version: z.literal([1, 2]),
  resource: z.object({ url: z.string().min(1).max(MAX_URL_LENGTH) }).nullish(),
  accepts: z.array(z.unknown()).min(1),
  extensions: z.unknown().optional(),
})

/** The transport and the host that a challenge came from. */
interface Source {
  readonly transport: Echo['transport']
  readonly host: string
}

function readChallengeAccepts(
  required: z.output<typeof requiredSchema>,
  source: Source,
  networks: readonly string[],
  assets: readonly Asset[],
): Offers {
  const { x402Version: version, accepts, resource } = required
  const read = version === 2 ? readExtensions(required.extensions) : {}
  const offers: Offer[] = []
  const leftOut: string[] = []
  for (const [index, entry] of accepts.slice(0, MAX_ENTRIES).entries()) {
    const reading = readEntry(entry, version, networks, assets)
    if ('malformed' in reading) return invalidChallenge(`In the challenge, ${reading.malformed}.`)
    if ('leftOut' in reading) {
      leftOut.push(`entry ${index + 1}: ${reading.leftOut}`)
      continue
    }
    if ('problem' in read) {
      leftOut.push(`entry ${index + 1}: ${read.problem}`)
      continue
    }
    const { terms, accepted } = reading
    const resourceUrl = version === 2 ? resource?.url : reading.resource
    if (resourceUrl !== undefined && resourceUrl.length > MAX_URL_LENGTH) {
      return invalidChallenge('In the challenge, resource: the URL is too long.')
    }
    const claimedHost = readChallengeHost(resourceUrl, source)
    const { transport } = source
    const echo: Echo =
      version === 2
        ? {
            transport,
            version,
            ...(resourceUrl === undefined ? {} : { resourceUrl }),
            accepted,
            ...(read.extensions ? { extensions: read.extensions } : {}),
          }
        : { transport, version, scheme: `${accepted.scheme}`, network: `${accepted.network}` }
    offers.push({ ...terms, ...(claimedHost === undefined ? {} : { claimedHost }), echo })
  }
  return { kind: 'offers', offers, leftOut: summarizeLeftOutOfChallenge(leftOut, accepts.length) }
}

/** Returns the first reasons why entries were left out, and a line with the number of reasons that are left out. */
function summarizeLeftOutOfChallenge(
  leftOut: readonly string[],
  entries: number,
): readonly string[] {
  const more = Math.max(0, leftOut.length - MAX_LEFT_OUT) + Math.max(0, entries - MAX_ENTRIES)
  const shown = leftOut.slice(0, MAX_LEFT_OUT)
  return more === 0 ? shown : [...shown, `${more} more entries were left out or not read`]
}

/**
 * Returns the host that a resource's URL names, in punycode with its port, if it is another one than
 * the host that was dialled. Only hosts are compared: a server behind a proxy knows neither its
 * scheme nor its path, and text that is no URL names no host. Over MCP the URL names the tool.
 */
function readChallengeHost(
  resourceUrl: string | undefined,
  { transport, host }: Source,
): string | undefined {
  const url = transport === 'mcp' || resourceUrl === undefined ? null : URL.parse(resourceUrl)
  return url === null || url.host === host ? undefined : url.host || url.protocol
}

function describeMalformedChallenge(error: z.ZodError): Offers {
  const issue = error.issues[0]
  const field = issue?.path.map(String).join('.') || 'the challenge'
  return invalidChallenge(`In the challenge, ${field}: ${issue?.message ?? 'is not valid'}.`)
}

function invalidChallenge(reason: string): Offers {
  return { kind: 'invalid', reason }
}
