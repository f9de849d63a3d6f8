import { BursarError, type CancelAnswer, type Rail } from '@bursar/core'
import { z } from 'zod'
import { type NamedReader, proveAgreedVerdict } from './agreed-verdict.ts'
import { cancel } from './cancel.ts'
import { type ChainReader, createChainReader, createTurnReader } from './chain-reader.ts'
import { type Echo, readChallenge } from './challenge.ts'
import { readClaim } from './claim.ts'
import { makePayload } from './payload.ts'
import { createRelayer, isRelayer, type Relayer, type RelayerAccount } from './relayer.ts'
import { rpcEndpoints } from './rpc-endpoint.ts'

/** The most networks of one rail: more than one guard pays on. */
const MAX_NETWORKS = 50

/** The most RPC endpoints of one network. */
const MAX_RPC_URLS = 5

/** The longest URL of an RPC endpoint, in characters. */
const MAX_RPC_URL_LENGTH = 2_048

/** A CAIP-2 id of an EVM chain. */
type EvmNetwork = `eip155:${number}`

/** The options of `x402`. */
export interface X402Options {
  /** The networks to pay on, by CAIP-2 id. At least 1, at most 50. */
  readonly networks: Readonly<Record<EvmNetwork, X402Network>>
}

/** A network of the rail. */
export interface X402Network {
  /**
   * The http or https URL of the RPC endpoint that proves payments, or up to 5 of them, best first. They
   * may be private, and may hold a key: records and errors name them as `rpc 2 of 3`.
   *
   * They are asked in turn until one answers. Each verdict comes from one of them. A settlement needs one; the
   * release of a hold needs two that agree, so that of two or more one may lie.
   */
  readonly rpcUrl: string | readonly string[]
  /**
   * An account of yours that pays the gas of cancellations, with a little of the network's own
   * currency. It sends nothing else and must not be a wallet that is paid from. Without a relayer
   * no payment on the network can be cancelled.
   */
  readonly relayer?: RelayerAccount | undefined
}

/**
 * Makes the x402 rail: exact payments with EIP-3009 on EVM networks, in versions 2 and 1 of the
 * protocol, over HTTP and MCP.
 *
 * The rail trusts its RPC endpoints about their chains: one alone is believed. An endpoint must know the block tag
 * `finalized` and the state at that block. It is dialled at its first use. Throws `invalid_input`
 * for an invalid network, URL or relayer. The rail's `reconcile`, `time`, `balance` and `cancel`
 * throw `rail_unreachable` if the endpoint does not answer, and `wrong_chain` if it serves another
 * chain.
 *
 * @example
 * ```ts
 * import { x402 } from '@bursar/x402'
 *
 * const rail = x402({ networks: { 'eip155:8453': { rpcUrl: 'https://mainnet.base.org' } } })
 * ```
 */
export function x402(options: X402Options): Rail {
  const configured = parseX402Networks(options)
  const networks = [...configured.keys()]
  const findNetwork = (network: string): Network => {
    const found = configured.get(network)
    if (found) return found
    throw new BursarError('network_unknown', `x402: ${network} is not among its networks.`)
  }
  return {
    name: 'x402',
    networks,
    offers: (challenge, assets) => readChallenge(challenge, networks, assets),
    cancelNetworks: networks.filter((network) => configured.get(network)?.relayer),
    prove: async (authorization, echo, sign) => {
      findNetwork(authorization.asset.network).relayer?.assertNotPayer(authorization.payer)
      return makePayload(authorization, echo as Echo, sign)
    },
    read: readClaim,
    reconcile: async (payment) =>
      proveAgreedVerdict(payment, findNetwork(payment.asset.network).readers),
    time: async (network) => Number((await findNetwork(network).chain.latestBlock()).timestamp),
    balance: async (asset, address) =>
      findNetwork(asset.network).chain.balance(asset.address, address),
    cancel: async (payment, sign) => {
      const { chain, relayer } = findNetwork(payment.asset.network)
      return relayer ? cancel(payment, chain, relayer, sign) : noRelayerAnswer
    },
  }
}

interface Network {
  readonly readers: readonly NamedReader[]
  /** A reader that asks all RPC endpoints in turn. */
  readonly chain: ChainReader
  readonly relayer: Relayer | undefined
}

const noRelayerAnswer: CancelAnswer = {
  outcome: 'unavailable',
  reason: 'The network has no relayer to pay the gas. Configure one for the rail x402.',
}

const rpcUrlField = z
  .string()
  .max(MAX_RPC_URL_LENGTH)
  .refine(isX402Url, 'must be an http or https URL')

const optionsSchema = z.strictObject({
  networks: z
    .record(
      z.string(),
      z.strictObject({
        rpcUrl: z
          .union([
            rpcUrlField,
            z
              .array(rpcUrlField)
              .min(1)
              .max(MAX_RPC_URLS)
              .refine(isDistinct, 'names an endpoint twice'),
          ])
          .transform((given) => [given].flat()),
        relayer: z
          .custom<RelayerAccount>(isRelayer, 'must be an account that signs transactions')
          .optional(),
      }),
    )
    .superRefine((networks, context) => {
      const names = Object.keys(networks)
      const addIssue = (message: string, path: string[] = []): void =>
        context.addIssue({ code: 'custom', message, path })
      if (names.length === 0) addIssue('must name at least one network')
      if (names.length > MAX_NETWORKS) addIssue(`must name at most ${MAX_NETWORKS} networks`)
      for (const name of names) {
        if (!networkPattern.test(name)) addIssue(`must be a key such as 'eip155:8453'`, [name])
      }
    }),
})

const networkPattern = /^eip155:[1-9][0-9]{0,14}$/

function parseX402Networks(options: X402Options): ReadonlyMap<string, Network> {
  const parsed = optionsSchema.safeParse(options)
  if (parsed.success) {
    const networks = Object.entries(parsed.data.networks)
    return new Map(
      networks.map(([network, { rpcUrl, relayer }]) => {
        const endpoints = rpcEndpoints(network, rpcUrl)
        const readers = endpoints.map((one) => ({
          label: one.label,
          reader: createChainReader(one),
        }))
        const chain = createTurnReader(readers.map(({ reader }) => reader))
        return [
          network,
          { readers, chain, relayer: relayer && createRelayer(network, endpoints, relayer) },
        ]
      }),
    )
  }
  const issue = parsed.error.issues[0]
  const field = issue?.path.map(String).join('.') || 'its argument'
  throw new BursarError('invalid_input', `x402: ${field}: ${issue?.message ?? 'is not valid'}.`)
}

/** Checks that no URL is named twice: an endpoint must not agree with itself. */
function isDistinct(urls: readonly string[]): boolean {
  return new Set(urls.map((url) => URL.parse(url)?.href)).size === urls.length
}

function isX402Url(text: string): boolean {
  const protocol = URL.parse(text)?.protocol
  return protocol === 'https:' || protocol === 'http:'
}
