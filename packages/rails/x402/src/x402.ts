import { BursarError, type Rail } from '@bursar/core'
import { z } from 'zod'
import { type ChainReader, chainReader } from './chain-reader.ts'
import { type Echo, readChallenge } from './challenge.ts'
import { readClaim } from './claim.ts'
import { makeProof } from './proof.ts'
import { reconcile } from './reconcile.ts'

/** More networks than one guard pays on. */
const MAX_NETWORKS = 50

/** Longest URL of an RPC endpoint. */
const MAX_RPC_URL_LENGTH = 2_048

/** A CAIP-2 id of an EVM chain. */
type EvmNetwork = `eip155:${number}`

/** Settings of the rail. */
export interface X402Options {
  /** The networks that may be paid on, by CAIP-2 id, with the RPC endpoint that proves payments. */
  readonly networks: Readonly<Record<EvmNetwork, { readonly rpcUrl: string }>>
}

/**
 * Makes the x402 rail: exact payments with EIP-3009 on EVM networks, version 2 and 1 over HTTP.
 *
 * An RPC endpoint is the operator's own configuration and believed in what it says about its chain:
 * it may be private and http. It has to know the block tag `finalized` and the state at that block.
 * Throws `invalid_input` for a network or URL that cannot be one; nothing is dialled before use.
 * `reconcile` and `balance` throw `rail_unreachable` where the endpoint does not answer, and
 * `wrong_chain` where it serves another chain.
 *
 * @example
 * const rail = x402({ networks: { 'eip155:8453': { rpcUrl: 'https://mainnet.base.org' } } })
 */
export function x402(options: X402Options): Rail {
  const readers = readersOf(options)
  const networks = [...readers.keys()]
  const readerOf = (network: string): ChainReader => {
    const reader = readers.get(network)
    if (reader) return reader
    throw new BursarError('network_unknown', `x402: ${network} is not among its networks.`)
  }
  return {
    name: 'x402',
    networks,
    offers: (challenge) => readChallenge(challenge, networks),
    prove: (authorization, echo, sign) => makeProof(authorization, echo as Echo, sign),
    read: readClaim,
    reconcile: async (payment) => reconcile(payment, readerOf(payment.asset.network)),
    balance: async (asset, address) => readerOf(asset.network).balance(asset.address, address),
    // To cancel takes someone who pays the gas, and none is configured.
    cancel: async () => 'cancel_unavailable',
  }
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

function readersOf(options: X402Options): ReadonlyMap<string, ChainReader> {
  const parsed = optionsSchema.safeParse(options)
  if (parsed.success) {
    const networks = Object.entries(parsed.data.networks)
    return new Map(networks.map(([network, { rpcUrl }]) => [network, chainReader(network, rpcUrl)]))
  }
  const issue = parsed.error.issues[0]
  const field = issue?.path.map(String).join('.') || 'its argument'
  throw new BursarError('invalid_input', `x402: ${field}: ${issue?.message ?? 'is not valid'}.`)
}

function isHttpUrl(text: string): boolean {
  const protocol = URL.parse(text)?.protocol
  return protocol === 'https:' || protocol === 'http:'
}
