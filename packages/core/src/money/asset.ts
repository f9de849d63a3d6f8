/** A token that payments may be made in. Its decimals and currency never come from a challenge. */
export interface Asset {
  /** The CAIP-2 id of the network, for example `eip155:8453`. */
  readonly network: string
  /** The address of the token's contract, lower case. */
  readonly address: string
  /** The token's symbol, for people. */
  readonly symbol: string
  /** The currency that one whole token counts as, 1:1. */
  readonly currency: string
  /** The decimals of the token's atomic unit, from 0 to 36. */
  readonly decimals: number
  /** The name and version of the contract's EIP-712 domain. */
  readonly name: string
  readonly version: string
}

/**
 * Finds the asset with this network and contract address, in any case. Returns undefined if the asset is
 * not listed.
 *
 * @example
 * ```ts
 * findAsset(pinnedAssets, 'eip155:8453', '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913')?.symbol // 'USDC'
 * ```
 */
export function findAsset(
  assets: readonly Asset[],
  network: string,
  address: string,
): Asset | undefined {
  const lowerCaseAddress = address.toLowerCase()
  return assets.find((asset) => asset.network === network && asset.address === lowerCaseAddress)
}
