import type { Challenge, HttpChallenge, McpChallenge, Offer, Offers } from '@bursar/core'
import { z } from 'zod'
import { findMcpChallenge } from './mcp-message.ts'
import { toCaip2 } from './network-name.ts'
import { type Decoded, readHeader, readJson, readUtf8 } from './wire.ts'

/** The header that carries a challenge of version 2. */
const CHALLENGE_HEADER = 'payment-required'

/** The longest body that is read as a challenge of version 1, in bytes. */
export const MAX_BODY_BYTES = 65_536

/** The most offers of one challenge: a merchant has a few networks and assets, not dozens. */
export const MAX_OFFERS = 20

/**
 * The longest validity of a signature, in seconds: money is in doubt for no longer. A challenge
 * that asks for more gets this validity, which servers accept.
 */
const MAX_VALID_SECONDS = 120

/**
 * The shortest validity that is worth a signature, in seconds. Facilitators refuse a signature that
 * ends within six seconds, and the request, its verification and a block take time.
 */
const MIN_VALID_SECONDS = 10

/** The longest name of a scheme, a network or a transfer method, in characters. */
const MAX_NAME_LENGTH = 80

/** The longest URL of a resource, in characters. */
const MAX_URL_LENGTH = 2_048

/** The largest amount that a token contract can move. */
const MAX_UINT256 = 2n ** 256n - 1n

/**
 * The part of a challenge that `prove` sends back: an entry exactly as it was offered, and its
 * transport.
 */
export type Echo = (EchoV2 | EchoV1) & {
  /** The way in which the challenge came, and in which the payload goes back. */
  readonly transport: 'http' | 'mcp'
}

type EchoV2 = {
  readonly version: 2
  readonly resourceUrl: string
  readonly accepted: Readonly<Record<string, unknown>>
}

type EchoV1 = { readonly version: 1; readonly scheme: string; readonly network: string }

/**
 * Reads an x402 challenge: over HTTP from the header of version 2 or the body of version 1, over
 * MCP from the answer to a tool call. Returns undefined if there is no challenge.
 *
 * Leaves out an entry of another scheme, of a network that is not in `networks`, of another
 * transfer method than EIP-3009, or with a validity too short to settle in. Any other deviation
 * from the protocol makes the whole challenge invalid: a merchant that sends a malformed entry is
 * broken or hostile.
 */
export function readChallenge(
  challenge: Challenge,
  networks: readonly string[],
): Offers | undefined {
  if ('message' in challenge) return readMcpChallenge(challenge, networks)
  if (challenge.status !== 402) return undefined
  const found = findHttpChallenge(challenge)
  if (!found) return undefined
  const { version, decoded } = found
  const where = version === 2 ? `The header ${CHALLENGE_HEADER}` : 'The body'
  if ('problem' in decoded) return invalidOffers(`${where} ${decoded.problem}.`)
  const read = version === 2 ? readVersion2 : readVersion1
  return read(decoded.value, { transport: 'http', host: challenge.url.host }, networks)
}

function readMcpChallenge(
  { url, message }: McpChallenge,
  networks: readonly string[],
): Offers | undefined {
  const found = findMcpChallenge(message)
  if (!found) return undefined
  if ('problem' in found) return invalidOffers(`The answer of the tool ${found.problem}.`)
  const version = versionSchema.safeParse(found.value)
  if (!version.success) return malformedOffers(version.error)
  const read = version.data.x402Version === 2 ? readVersion2 : readVersion1
  return read(found.value, { transport: 'mcp', host: url.host }, networks)
}

function findHttpChallenge(
  challenge: HttpChallenge,
): { version: 1 | 2; decoded: Decoded } | undefined {
  const header = Object.hasOwn(challenge.headers, CHALLENGE_HEADER)
    ? challenge.headers[CHALLENGE_HEADER]
    : undefined
  if (header !== undefined) return { version: 2, decoded: readHeader(header) }
  const text = readUtf8(challenge.body.subarray(0, MAX_BODY_BYTES))
  if (!text?.includes('"x402Version"')) return undefined
  if (challenge.body.length > MAX_BODY_BYTES) {
    return { version: 1, decoded: { problem: `is longer than ${MAX_BODY_BYTES} bytes` } }
  }
  return { version: 1, decoded: readJson(text) }
}

const name = z.string().min(1).max(MAX_NAME_LENGTH)

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .refine((text) => !/^0x0+$/.test(text), 'must not be the zero address')

const amount = z
  .string()
  .regex(/^[1-9][0-9]{0,77}$/, 'must be a positive whole number in decimal digits')
  .transform(BigInt)
  .refine((value) => value <= MAX_UINT256, 'must be at most 2^256 - 1')

/** The fields that decide whether an entry is for this rail. */
const entrySchema = z.looseObject({
  scheme: name,
  network: name,
  extra: z
    .looseObject({ assetTransferMethod: z.string().max(MAX_NAME_LENGTH).optional() })
    .nullish(),
})

const accepts = z.array(entrySchema).min(1).max(MAX_OFFERS)

const versionSchema = z.object({ x402Version: z.literal([1, 2]) })

const requiredV2 = z.object({
  x402Version: z.literal(2),
  resource: z.object({ url: z.string().min(1).max(MAX_URL_LENGTH) }),
  accepts,
})

const requiredV1 = z.object({ x402Version: z.literal(1), accepts })

const offerV2 = z.object({
  amount,
  asset: address,
  payTo: address,
  maxTimeoutSeconds: z.int().positive(),
})

const offerV1 = z.object({
  maxAmountRequired: amount,
  asset: address,
  payTo: address,
  maxTimeoutSeconds: z.int().positive(),
  resource: z.string().min(1).max(MAX_URL_LENGTH),
})

/** The transport and the host that a challenge came from. */
interface Source {
  readonly transport: Echo['transport']
  readonly host: string
}

function readVersion2(value: unknown, source: Source, networks: readonly string[]): Offers {
  const required = requiredV2.safeParse(value)
  if (!required.success) return malformedOffers(required.error)
  const { resource, accepts } = required.data
  if (namesAnotherHost(resource.url, source)) return otherHostOffers(source)
  const offers: Offer[] = []
  for (const entry of accepts.filter((one) => isSupported(one, one.network, networks))) {
    const parsed = offerV2.safeParse(entry)
    if (!parsed.success) return malformedOffers(parsed.error)
    const { amount: atomic, ...terms } = parsed.data
    const { transport } = source
    const echo: Echo = { transport, version: 2, resourceUrl: resource.url, accepted: entry }
    offers.push(makeOffer({ ...terms, network: entry.network, atomic }, echo))
  }
  return { kind: 'offers', offers: offers.filter(isLongEnough) }
}

function readVersion1(value: unknown, source: Source, networks: readonly string[]): Offers {
  const required = requiredV1.safeParse(value)
  if (!required.success) return malformedOffers(required.error)
  const offers: Offer[] = []
  for (const entry of required.data.accepts) {
    const network = toCaip2(entry.network)
    if (!isSupported(entry, network, networks)) continue
    const parsed = offerV1.safeParse(entry)
    if (!parsed.success) return malformedOffers(parsed.error)
    const { maxAmountRequired: atomic, resource, ...terms } = parsed.data
    if (namesAnotherHost(resource, source)) return otherHostOffers(source)
    const { transport } = source
    const echo: Echo = { transport, version: 1, scheme: entry.scheme, network: entry.network }
    offers.push(makeOffer({ ...terms, network, atomic }, echo))
  }
  return { kind: 'offers', offers: offers.filter(isLongEnough) }
}

function isSupported(
  entry: z.infer<typeof entrySchema>,
  network: string,
  networks: readonly string[],
): boolean {
  const method = entry.extra?.assetTransferMethod ?? 'eip3009'
  return entry.scheme === 'exact' && method === 'eip3009' && networks.includes(network)
}

function makeOffer(
  terms: {
    readonly network: string
    readonly asset: string
    readonly atomic: bigint
    readonly payTo: string
    readonly maxTimeoutSeconds: number
  },
  echo: Echo,
): Offer {
  return {
    scheme: 'exact',
    network: terms.network,
    asset: terms.asset.toLowerCase(),
    atomic: terms.atomic,
    payee: terms.payTo.toLowerCase(),
    validForSeconds: Math.min(terms.maxTimeoutSeconds, MAX_VALID_SECONDS),
    echo,
  }
}

function isLongEnough(offer: Offer): boolean {
  return offer.validForSeconds >= MIN_VALID_SECONDS
}

/**
 * Checks whether a resource's URL names another host than the one that was dialled. Compares only
 * the host with its port: a server behind a proxy knows neither its scheme nor its path. A text
 * that is no URL names no host. Over MCP the URL names the tool, as `mcp://tool/name`, and no host.
 */
function namesAnotherHost(resourceUrl: string, { transport, host }: Source): boolean {
  if (transport === 'mcp') return false
  const url = URL.parse(resourceUrl)
  return url !== null && url.host !== host
}

function otherHostOffers({ host }: Source): Offers {
  return invalidOffers(`The resource is not on ${host}.`)
}

function malformedOffers(error: z.ZodError): Offers {
  const issue = error.issues[0]
  const field = issue?.path.map(String).join('.') || 'the challenge'
  return invalidOffers(`In the challenge, ${field}: ${issue?.message ?? 'is not valid'}.`)
}

function invalidOffers(reason: string): Offers {
  return { kind: 'invalid', reason }
}
