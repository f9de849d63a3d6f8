import type { AuditEvent } from '../ledger/audit-event.ts'
import { boundStore } from '../ports/bound-store.ts'
import type { Store } from '../ports/store.ts'

/** A function called with each event after its commit. `at` is milliseconds since the epoch by the store's clock. */
export type AuditListener = (event: AuditEvent, at: number) => unknown

/** A list of the listeners of this process. Each gets an event at most once, after the event's commit. */
export interface EventHub {
  /** Adds a listener, and returns the function that removes it. */
  subscribe(listener: AuditListener): () => void
  /** Calls every listener with an event that was committed. */
  emit(event: AuditEvent, at: number): void
}

/** Creates a hub without listeners. */
export function createEventHub(): EventHub {
  const listeners = new Set<AuditListener>()
  return {
    subscribe: (listener) => {
      const ownListener: AuditListener = (event, at) => listener(event, at)
      listeners.add(ownListener)
      return () => listeners.delete(ownListener)
    },
    emit: (event, at) => {
      // A listener added during a call gets the next event first; a removed one gets no more.
      for (const listener of [...listeners]) {
        if (listeners.has(listener)) callEventListener(listener, event, at)
      }
    },
  }
}

/** Returns a store that emits to the hub the events of each of its commits. */
export function emitCommittedEvents(store: Store, hub: EventHub): Store {
  return {
    ...boundStore(store),
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

/** Calls a listener. Its errors and rejections reach neither the payment nor another listener. */
function callEventListener(listener: AuditListener, event: AuditEvent, at: number): void {
  try {
    const later = listener(structuredClone(event), at)
    Promise.resolve(later).catch(() => undefined)
  } catch {
    // Delivery is not promised: a reader that needs every event uses the feed of `auditing.read`.
  }
}
