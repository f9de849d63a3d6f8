import type { Permissions } from '@bursar/core'

/** A custody provider's client for spending rules, as one might look. */
export interface CustodyRules {
  put(name: string, rule: CustodyRule): Promise<void>
  list(): Promise<readonly string[]>
  remove(name: string): Promise<void>
}

/** A rule of the custody provider: the transfers that it signs, and until when. */
export interface CustodyRule {
  readonly from: string
  readonly token: string
  readonly chain: string
  readonly most: string
  readonly payees?: readonly string[]
  readonly until: Date
}

// #region permissions
/** Permissions at a provider that has rules with names. */
export function custodyPermissions(rules: CustodyRules): Permissions {
  const ownNames = async (delegation: string): Promise<readonly string[]> =>
    (await rules.list()).filter((name) => name.startsWith(`${delegation} `))
  return {
    async grant({ delegation, address, assets, payees, expiresAt }) {
      for (const [index, { asset, perPayment }] of assets.entries()) {
        // Under the same name it is put once, however often it is asked for.
        await rules.put(`${delegation} ${index}`, {
          from: address,
          token: asset.address,
          chain: asset.network,
          most: `${perPayment}`,
          ...(payees ? { payees } : {}),
          until: new Date(expiresAt),
        })
      }
      return { id: delegation }
    },
    read: async ({ delegation }) =>
      (await ownNames(delegation)).length > 0 ? 'granted' : 'absent',
    async revoke({ delegation }) {
      for (const name of await ownNames(delegation)) await rules.remove(name)
    },
  }
}
// #endregion
