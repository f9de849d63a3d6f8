import { BursarError, type CancelAnswer, type Rail } from '@bursar/core'
import { z } from 'zod'
import { cancel } from './cancel.ts'
import { type ChainReader, chainReader } from './chain-reader.ts'
import { type Echo, readChallenge } from './challenge.ts'
import { readClaim } from './claim.ts'
import { makeProof } from './proof.ts'
import { reconcile } from './reconcile.ts'
import { createRelayer, isRelayer, type Relayer, type RelayerAccount } from './relayer.ts'

/** More networks than one guard pays on. */
const MAX_NETWORKS = 50

/** Longest URL of an RPC endpoint. */
const MAX_RPC_URL_LENGTH = 2_048

/** A CAIP-2 id of an EVM chain. */
type EvmNetwork = `eip155:${number}`

/** Settings of the rail. */
export interface X402Options {
  /** The networks that may be paid on, by CAIP-2 id. */
  readonly networks: Readonly<Record<EvmNetwork, X402Network>>
}

/** One network of the rail. */
export interface X402Network {
  /** The RPC endpoint that proves payments. */
  readonly rpcUrl: string
  /**
   * An account of the operator that pays the gas of cancellations, with a little of the network's
   * own money. It sends nothing else, holds nothing of the end users, and must not be one of the
   * wallets that are paid from. Without it nothing can be cancelled on the network.
   */
  readonly relayer?: RelayerAccount | undefined
}

/**
 * Makes the x402 rail: exact payments with EIP-3009 on EVM networks, version 2 and 1 over HTTP.
 *
 * An RPC endpoint is the operator's own configuration and believed in what it says about its chain:
 * it may be private and http. It has to know the block tag `finalized` and the state at that block.
 * Throws `invalid_input` for a network or URL that cannot be one; nothing is dialled before use.
 * `reconcile`, `time` and `balance` throw `rail_unreachable` where the endpoint does not answer, and
 * `wrong_chain` where it serves another chain.
 *
 * @example
 * const rail = x402({ networks: { 'eip155:8453': { rpcUrl: 'https://mainnet.base.org' } } })
 */
export function x402(options: X402Options): Rail {
  const configured = networksOf(options)
  const networks = [...configured.keys()]
  const on = (network: string): Network => {
    const known = configured.get(network)
    if (known) return known
    throw new BursarError('network_unknown', `x402: ${network} is not among its networks.`)
  }
  return {
    name: 'x402',
    networks,
    offers: (challenge) => readChallenge(challenge, networks),
    cancelNetworks: networks.filter((network) => configured.get(network)?.relayer),
    prove: async (authorization, echo, sign) => {
      on(authorization.asset.network).relayer?.assertNoPayer(authorization.payer)
      return makeProof(authorization, echo as Echo, sign)
    },
    read: readClaim,
    reconcile: async (payment) => reconcile(payment, on(payment.asset.network).chain),
    time: async (network) => Number((await on(network).chain.latestBlock()).timestamp),
    balance: async (asset, address) => on(asset.network).chain.balance(asset.address, address),
    cancel: async (payment, sign) => {
      const { chain, relayer } = on(payment.asset.network)
      return relayer ? cancel(payment, chain, relayer, sign) : noRelayer
    },
  }
}

interface Network {
  readonly chain: ChainReader
  readonly relayer: Relayer | undefined
}

const noRelayer: CancelAnswer = {
  outcome: 'unavailable',
  reason: 'No relayer is configured for the network: nobody would pay the gas.',
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
      const add = (message: string, path: string[] = []): void =>
        context.addIssue({ code: 'custom', message, path })
      if (names.length === 0) add('must name at least one network')
      if (names.length > MAX_NETWORKS) add(`must name at most ${MAX_NETWORKS} networks`)
      for (const name of names) {
        if (!networkPattern.test(name)) add(`must be a key such as 'eip155:8453'`, [name])
      }
    }),
})

const networkPattern = /^eip155:[1-9][0-9]{0,14}$/

function networksOf(options: X402Options): ReadonlyMap<string, Network> {
  const parsed = optionsSchema.safeParse(options)
  if (parsed.success) {
    const networks = Object.entries(parsed.data.networks)
    return new Map(
      networks.map(([network, { rpcUrl, relayer }]) => [
        network,
        {
          chain: chainReader(network, rpcUrl),
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
