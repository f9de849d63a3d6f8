import type { Store } from '@bursar/core'

/** Returns the store without group commit: one transaction per commit, one after another. */
export function ungrouped(store: Store): Store {
  let turn: Promise<unknown> = Promise.resolve()
  return {
    ...store,
    commit(scope, change) {
      const committed = turn.then(() => store.commit(scope, change, 'now'))
      turn = committed.catch(() => undefined)
      return committed
    },
  }
}
