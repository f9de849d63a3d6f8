import type { Store } from './store.ts'

/** Returns a store whose methods call those of another one, to change some of them. A class keeps its `this`. */
export function boundStore(store: Store): Store {
  return {
    commit: (scope, change, when) => store.commit(scope, change, when),
    read: (scope) => store.read(scope),
    now: () => store.now(),
    payments: (filter, page) => store.payments(filter, page),
    sessions: (filter, page) => store.sessions(filter, page),
    delegations: (filter, page) => store.delegations(filter, page),
    approvals: (filter, page) => store.approvals(filter, page),
    credentials: (page) => store.credentials(page),
    content: (payment) => store.content(payment),
    audit: (page) => store.audit(page),
    close: () => store.close(),
  }
}
