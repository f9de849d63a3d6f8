import type { AuditEvent } from '../ledger/audit-event.ts'
import type { Store } from '../ports/store.ts'

/** Told each event after its commit; `at` is milliseconds since the epoch, by the store's clock. */
export type AuditListener = (event: AuditEvent, at: number) => unknown

/** Hands events to whoever wants them: in this process, at most once, after the commit. */
export interface AuditHub {
  /** Returns the function that ends the subscription. */
  subscribe(listener: AuditListener): () => void
  emit(event: AuditEvent, at: number): void
}

export function createHub(): AuditHub {
  const listeners = new Set<AuditListener>()
  return {
    subscribe: (listener) => {
      const own: AuditListener = (event, at) => listener(event, at)
      listeners.add(own)
      return () => listeners.delete(own)
    },
    emit: (event, at) => {
      // Who subscribes while an event is told hears the next one; who has left hears no more.
      for (const listener of [...listeners]) {
        if (listeners.has(listener)) tell(listener, event, at)
      }
    },
  }
}

/** A store that tells the hub what it has committed. */
export function observed(store: Store, hub: AuditHub): Store {
  return {
    ...bound(store),
    commit: async (scope, change, when) => {
      let committed: readonly AuditEvent[] = []
      let committedAt = 0
      const result = await store.commit(
        scope,
        (state, now) => {
          const changed = change(state, now)
          // A change may run again: only its last run is the one that was committed.
          committed = changed.events
          committedAt = now
          return changed
        },
        when,
      )
      for (const event of committed) hub.emit(event, committedAt)
      return result
    },
  }
}

function bound(store: Store): Store {
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

/** What a listener throws, now or later, harms neither the payment nor another listener. */
function tell(listener: AuditListener, event: AuditEvent, at: number): void {
  try {
    const later = listener(structuredClone(event), at)
    Promise.resolve(later).catch(() => undefined)
  } catch {
    // Its own affair: the durable feed is `auditing.read`.
  }
}
