import type { Store } from '@bursar/core'

/** The same store without grouping: each commit has a transaction of its own, and waits its turn. */
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
