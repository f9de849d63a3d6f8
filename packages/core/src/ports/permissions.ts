import type { Delegation } from '../ledger/delegation.ts'
import { atomicAmountWithin } from '../money/amount.ts'
import type { Asset } from '../money/asset.ts'
import type { Limits } from '../money/limits.ts'

/**
 * The permissions that the provider of a wallet keeps and enforces at the key: a second lock beside the
 * guard. If an instrument has them, the guard grants one permission for each delegation, and withdraws it
 * when the delegation is revoked.
 *
 * Use other credentials than the wallet's: a holder of the wallet's credentials must not be able to widen
 * a permission.
 *
 * If you implement it, find a permission by the id of its delegation, so that one whose answer was lost can
 * still be withdrawn. Each method may be called again, and several at the same time. Throw if the outcome is
 * unknown. If `grant` takes several requests, send none later than 20 seconds after the call, and let none
 * take effect later than 60 seconds after it was sent.
 */
export interface Permissions {
  /** Grants at most the requested permission. Called again for a delegation, returns its permission. */
  grant(request: PermissionRequest): Promise<{
    /** The provider's name of the permission: at most 200 visible ASCII characters, and no secret. */
    readonly id: string
  }>
  /** Reads the state of the permission from the provider. */
  read(permission: PermissionName): Promise<'granted' | 'absent'>
  /** Withdraws the permission with all its parts. An absent permission counts as withdrawn. */
  revoke(permission: PermissionName): Promise<void>
}

/** The time after its delegation was recorded in which a request to a provider may still take effect. */
export const REQUEST_LIFE_MS = 120_000

/** The time after its delegation was recorded in which a permission may be requested. */
export const ASKING_MS = 20_000

/** The ids by which the permission of a delegation is found. */
export interface PermissionName {
  readonly delegation: string
  /** The provider's name of the permission. It is absent if the answer to `grant` was lost. */
  readonly id?: string
}

/** The part of a delegation that a provider can enforce. */
export interface PermissionRequest {
  readonly delegation: string
  readonly endUser: string
  readonly agent: string
  /** The wallet's address. */
  readonly address: string
  /** The assets that payments may be made in. */
  readonly assets: readonly PermittedAsset[]
  /** The only addresses that may be paid, lower case. It is absent if the delegation allows any payee. */
  readonly payees?: readonly string[]
  /** The start of the permission, in milliseconds since the epoch. */
  readonly startsAt: number
  readonly expiresAt: number
}

/** An asset that payments may be made in, and the most of it. Amounts are atomic. */
export interface PermittedAsset {
  readonly asset: Asset
  /** The most of all payments together. */
  readonly total: bigint
  /** The most of one payment. */
  readonly perPayment: bigint
}

/** Makes the request for a delegation's permission. Leaves out assets in another currency. */
export function permissionRequest(
  delegation: Delegation,
  address: string,
  assets: readonly Asset[],
): PermissionRequest {
  const { id, endUser, agent, limits, merchants, createdAt, expiresAt } = delegation
  const payees = listPermittedPayees(merchants)
  return {
    delegation: id,
    endUser,
    agent,
    address,
    assets: assets
      .filter(({ currency }) => currency === limits.currency)
      .map((asset) => permissionAsset(asset, limits)),
    ...(payees ? { payees } : {}),
    startsAt: createdAt,
    expiresAt,
  }
}

/** Permits an asset up to the limits of a delegation, rounded down. */
function permissionAsset(asset: Asset, { totalMicro, perPaymentMicro }: Limits): PermittedAsset {
  const total = atomicAmountWithin(totalMicro, asset.decimals)
  const perPayment = perPaymentMicro ?? totalMicro
  const most = perPayment < totalMicro ? perPayment : totalMicro
  return { asset, total, perPayment: atomicAmountWithin(most, asset.decimals) }
}

/** Lists the payees of all merchants. Returns undefined if a merchant allows any payee. */
function listPermittedPayees(merchants: Delegation['merchants']): readonly string[] | undefined {
  if (!merchants?.every(({ payees }) => payees !== undefined)) return undefined
  return [...new Set(merchants.flatMap(({ payees = [] }) => payees))]
}
