import { readFileSync } from 'node:fs'
import { type CedarPolicy, cedarPolicy } from '@bursar/policy-cedar'

/** Loads the policies of `house-rules.cedar`, with the shops that count as research. */
export function houseRules(hosts: readonly string[]): CedarPolicy {
  const research = { type: 'Bursar::Category', id: 'research' }
  return cedarPolicy({
    policies: readFileSync(new URL('house-rules.cedar', import.meta.url), 'utf8'),
    entities: hosts.map((host) => ({
      uid: { type: 'Bursar::Merchant', id: host },
      attrs: {},
      parents: [research],
    })),
  })
}
