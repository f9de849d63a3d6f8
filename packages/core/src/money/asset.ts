/** A token that budgets may be spent in: network, contract, decimals and currency are pinned. */
export interface Asset {
  /** CAIP-2, for example `eip155:8453`. */
  readonly network: string
  /** The contract's address, lower case. */
  readonly address: string
  readonly symbol: string
  /** A listed stablecoin counts 1:1 in this currency. */
  readonly currency: string
  readonly decimals: number
  /** The EIP-712 domain of the contract. */
  readonly name: string
  readonly version: string
}

/** The pinned asset at an address, or `undefined`: an unknown asset is never paid in. */
export function findAsset(
  assets: readonly Asset[],
  network: string,
  address: string,
): Asset | undefined {
  const wanted = address.toLowerCase()
  return assets.find((asset) => asset.network === network && asset.address === wanted)
}
