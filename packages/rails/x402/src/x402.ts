import { BursarError, type CancelAnswer, type Rail } from '@bursar/core'
import { z } from 'zod'
import { cancel } from './cancel.ts'
import { type ChainReader, createChainReader } from './chain-reader.ts'
import { type Echo, readChallenge } from './challenge.ts'
import { readClaim } from './claim.ts'
import { makePayload } from './payload.ts'
import { reconcile } from './reconcile.ts'
import { createRelayer, isRelayer, type Relayer, type RelayerAccount } from './relayer.ts'

/** The most networks of one rail: more than one guard pays on. */
const MAX_NETWORKS = 50

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
   * The http or https URL of the RPC endpoint that proves payments. May be private, and may hold a
   * key.
   */
  readonly rpcUrl: string
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
 * The rail trusts its RPC endpoints about their chains. An endpoint must know the block tag
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
  const configured = parseNetworks(options)
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
    reconcile: async (payment) => reconcile(payment, findNetwork(payment.asset.network).chain),
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
  readonly chain: ChainReader
  readonly relayer: Relayer | undefined
}

const noRelayerAnswer: CancelAnswer = {
  outcome: 'unavailable',
  reason: 'The network has no relayer to pay the gas. Configure one for the rail x402.',
}

const optionsSchema = z.strictObject({
  networks: z
    .record(
      z.string(),
      z.strictObject({
        rpcUrl: z
          .string()
          .max(MAX_RPC_URL_LENGTH)
          .refine(isHttpUrl, 'must be an http or https URL'),
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

function parseNetworks(options: X402Options): ReadonlyMap<string, Network> {
  const parsed = optionsSchema.safeParse(options)
  if (parsed.success) {
    const networks = Object.entries(parsed.data.networks)
    return new Map(
      networks.map(([network, { rpcUrl, relayer }]) => [
        network,
        {
          chain: createChainReader(network, rpcUrl),
          relayer: relayer && createRelayer(network, rpcUrl, relayer),
        },
      ]),
    )
  }
  const issue = parsed.error.issues[0]
  const field = issue?.path.map(String).join('.') || 'its argument'
  throw new BursarError('invalid_input', `x402: ${field}: ${issue?.message ?? 'is not valid'}.`)
}

function isHttpUrl(text: string): boolean {
  const protocol = URL.parse(text)?.protocol
  return protocol === 'https:' || protocol === 'http:'
}
