import type { Policy } from '@bursar/core'

// #region policy
/** Allows payments from Monday to Friday, in UTC. */
export const weekdaysOnly: Policy = {
  name: 'weekdays-only',
  evaluate: ({ at }) => {
    const day = new Date(at).getUTCDay()
    if (day >= 1 && day <= 5) return { effect: 'allow' }
    return { effect: 'deny', reason: 'it is the weekend' }
  },
}
// #endregion
