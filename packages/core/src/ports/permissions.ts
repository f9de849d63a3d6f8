import type { Delegation } from '../ledger/delegation.ts'
import { atomicWithin } from '../money/amount.ts'
import type { Asset } from '../money/asset.ts'
import type { Limits } from '../money/limits.ts'

/**
 * The wallet provider's own permission: a second lock, at whoever has the key. Where an instrument has
 * it, each delegation gets its own permission, which is withdrawn when the delegation is revoked.
 *
 * The credentials that change permissions are not those that sign: who has only the wallet's cannot
 * widen what the wallet may sign.
 *
 * Everything is asked for by the id of the delegation, so that a permission whose answer was lost can
 * still be found and withdrawn. All methods may be called again, and at the same time. A throw says
 * that it is not known what was done. Where `grant` takes several requests, it sends none more than 20
 * seconds after it was called, and none of them may take effect more than 60 seconds after it was sent.
 */
export interface Permissions {
  /** Grants no more than what is asked for. Asked again for the same delegation, it is the same one. */
  grant(request: PermissionRequest): Promise<{
    /** What the provider calls it: at most 200 visible ASCII characters, and no secret. */
    readonly id: string
  }>
  /** What the provider says about it now. */
  read(permission: PermissionName): Promise<'granted' | 'absent'>
  /** Withdraws it, and everything of it. What is not there is withdrawn. */
  revoke(permission: PermissionName): Promise<void>
}

/**
 * How late a request to a provider may still take effect, from its delegation on: its signature has a time
 * limit, and it is sent soon, or not at all.
 */
export const REQUEST_LIFE_MS = 120_000

/** How long after its delegation was recorded a permission may be asked for: then it is given up. */
export const ASKING_MS = 20_000

/** What the permission of a delegation is found by. */
export interface PermissionName {
  readonly delegation: string
  /** What the provider calls it; absent where its answer to `grant` was lost. */
  readonly id?: string
}

/** What a delegation allows, as far as a provider can know it. */
export interface PermissionRequest {
  readonly delegation: string
  readonly endUser: string
  readonly agent: string
  /** The wallet's address. */
  readonly address: string
  /** The assets that may be paid in, each with as much as the delegation allows. */
  readonly assets: readonly PermittedAsset[]
  /** The only addresses that may be paid, lower case; absent where the delegation leaves them open. */
  readonly payees?: readonly string[]
  /** Milliseconds since the epoch. */
  readonly startsAt: number
  readonly expiresAt: number
}

/** An asset that may be paid in. Amounts are atomic. */
export interface PermittedAsset {
  readonly asset: Asset
  readonly total: bigint
  /** The most in one payment. */
  readonly perPayment: bigint
}

/** What a provider is asked for. */
export function permissionRequest(
  delegation: Delegation,
  address: string,
  assets: readonly Asset[],
): PermissionRequest {
  const { id, endUser, agent, limits, merchants, createdAt, expiresAt } = delegation
  const payees = payeesOf(merchants)
  return {
    delegation: id,
    endUser,
    agent,
    address,
    assets: assets
      .filter(({ currency }) => currency === limits.currency)
      .map((asset) => permitted(asset, limits)),
    ...(payees ? { payees } : {}),
    startsAt: createdAt,
    expiresAt,
  }
}

/** Rounded down: never more than the delegation allows. */
function permitted(asset: Asset, { totalMicro, perPaymentMicro }: Limits): PermittedAsset {
  const total = atomicWithin(totalMicro, asset.decimals)
  const perPayment = perPaymentMicro ?? totalMicro
  const most = perPayment < totalMicro ? perPayment : totalMicro
  return { asset, total, perPayment: atomicWithin(most, asset.decimals) }
}

/** Only where each merchant names its payees nobody else can be paid. */
function payeesOf(merchants: Delegation['merchants']): readonly string[] | undefined {
  if (!merchants?.every(({ payees }) => payees !== undefined)) return undefined
  return [...new Set(merchants.flatMap(({ payees = [] }) => payees))]
}
