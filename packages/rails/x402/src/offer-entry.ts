import { type Asset, findAsset, type Offer } from '@bursar/core'
import { z } from 'zod'
import { toNetworkName } from './network-name.ts'

/**
 * The longest validity of a signature, in seconds: how long money may be in doubt at most. A longer one
 * in a challenge is cut to this, which servers accept.
 */
const MAX_VALID_SECONDS = 120

/**
 * The shortest validity that is worth a signature, in seconds. Facilitators refuse a signature that ends
 * within six seconds, and request, verification and a block take their time.
 */
const MIN_VALID_SECONDS = 10

/** The longest scheme, network and the like. */
const MAX_NAME_LENGTH = 80

/** The largest amount that a token contract can move. */
const MAX_UINT256 = 2n ** 256n - 1n

/** An entry of `accepts`, exactly as it was sent. */
export type Accepted = Readonly<Record<string, unknown>>

/** The terms of an entry that this rail can pay. */
export interface EntryTerms {
  readonly terms: Omit<Offer, 'echo'>
  readonly accepted: Accepted
  /** The URL of the resource, where the entry has one: version 1 only. */
  readonly resource: string | undefined
}

/**
 * The result of reading one entry. `leftOut` is an entry for other payers, or one that could never
 * settle. `malformed` is an entry for this rail that breaks the protocol.
 */
export type EntryReading =
  | EntryTerms
  | { readonly leftOut: string }
  | { readonly malformed: string }

const name = z.string().min(1).max(MAX_NAME_LENGTH)

/** The fields that tell whether an entry is for this rail. An entry without them is for other payers. */
const foreignSchema = z.looseObject({ scheme: name, network: name })

const extraSchema = z.looseObject({
  assetTransferMethod: z.string().max(MAX_NAME_LENGTH).optional(),
  name: z.unknown().optional(),
  version: z.unknown().optional(),
  verifyingContract: z.unknown().optional(),
})

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .refine((text) => !/^0x0+$/.test(text), 'must not be the zero address')

const decimalAmount = 'must be a positive whole number in decimal digits'

const amount = z
  .union([z.string(), z.int().transform(String)], decimalAmount)
  .refine((text) => /^[1-9][0-9]{0,77}$/.test(text), decimalAmount)
  .transform(BigInt)
  .refine((value) => value <= MAX_UINT256, 'must be at most 2^256 - 1')

const termsSchema = z.looseObject({
  amount: amount.optional(),
  maxAmountRequired: amount.optional(),
  asset: address,
  payTo: address,
  maxTimeoutSeconds: z.int().positive(),
  resource: z.unknown().optional(),
})

/** Reads one entry of a challenge of version 1 or 2, by the assets and networks that may be paid in. */
export function readEntry(
  entry: unknown,
  version: 1 | 2,
  networks: readonly string[],
  assets: readonly Asset[],
): EntryReading {
  const foreign = foreignSchema.safeParse(entry)
  if (!foreign.success) return { leftOut: 'it names no scheme and network' }
  const { scheme, network: named, extra: given } = foreign.data
  const network = version === 1 ? toNetworkName(named) : named
  if (scheme !== 'exact') return { leftOut: 'its scheme is another one' }
  if (!networks.includes(network)) return { leftOut: 'its network is not configured' }
  const extra = extraSchema.nullish().safeParse(given)
  if (!extra.success) return { malformed: describeOfferProblem(extra.error, ['extra']) }
  const method = extra.data?.assetTransferMethod ?? 'eip3009'
  if (method !== 'eip3009') return { leftOut: 'its way to transfer is another one' }
  const parsed = termsSchema.safeParse(entry)
  if (!parsed.success) return { malformed: describeOfferProblem(parsed.error) }
  const atomic = readOfferAmount(parsed.data, version)
  if (typeof atomic === 'string') return { malformed: atomic }
  const { asset, payTo, maxTimeoutSeconds, resource } = parsed.data
  if (maxTimeoutSeconds < MIN_VALID_SECONDS) return { leftOut: 'it ends too soon to settle' }
  const pinned = findAsset(assets, network, asset)
  const mismatch = pinned && findOfferDomainProblem(extra.data ?? {}, pinned)
  if (mismatch !== undefined) return { leftOut: mismatch }
  return {
    terms: {
      scheme,
      network,
      asset: asset.toLowerCase(),
      atomic,
      payee: payTo.toLowerCase(),
      validForSeconds: Math.min(maxTimeoutSeconds, MAX_VALID_SECONDS),
    },
    accepted: foreign.data,
    resource: typeof resource === 'string' ? resource : undefined,
  }
}

/** Returns the entry's amount, or a problem: the two names of the amount may not disagree. */
function readOfferAmount(
  entry: { readonly amount?: bigint | undefined; readonly maxAmountRequired?: bigint | undefined },
  version: 1 | 2,
): bigint | string {
  const { amount: ofVersion2, maxAmountRequired: ofVersion1 } = entry
  const field = version === 2 ? 'amount' : 'maxAmountRequired'
  if (ofVersion1 !== undefined && ofVersion2 !== undefined && ofVersion1 !== ofVersion2) {
    return 'amount: it differs from maxAmountRequired'
  }
  return (version === 2 ? ofVersion2 : ofVersion1) ?? `${field}: ${decimalAmount}`
}

/**
 * Returns the reason why no facilitator could accept a signature for the pinned contract, or
 * undefined if there is none. Facilitators rebuild the signed data from the entry's own `name` and `version`, and refuse an entry without them.
 */
function findOfferDomainProblem(
  extra: {
    readonly name?: unknown
    readonly version?: unknown
    readonly verifyingContract?: unknown
  },
  pinned: Asset,
): string | undefined {
  const { name: named, version, verifyingContract } = extra
  if (verifyingContract !== undefined && `${verifyingContract}`.toLowerCase() !== pinned.address) {
    return 'another contract than the token would have to verify it'
  }
  if (named === pinned.name && version === pinned.version) return undefined
  return `its name and version are not those of ${pinned.symbol} on ${pinned.network}`
}

function describeOfferProblem(error: z.ZodError, above: readonly string[] = []): string {
  const issue = error.issues[0]
  const path = [...above, ...(issue?.path ?? [])].map(String).join('.')
  return `${path || 'the entry'}: ${issue?.message ?? 'is not valid'}`
}
