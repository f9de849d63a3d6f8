import type { Change, LedgerState, Payment, Session, Store } from '@bursar/core'

type AnyChange = Change<unknown>

/** A planted bug: it alters the state that the guard reads, or the change that it writes. */
export interface Lie {
  readonly see?: (state: LedgerState, now: number) => LedgerState
  readonly write?: (change: AnyChange, state: LedgerState, now: number) => AnyChange
  /** Returns the clock that the buggy guard decides by. */
  readonly now?: (now: number) => number
  /**
   * Returns whether a commit is affected.
   * @default the reserving commits
   */
  readonly everywhere?: true
}

/** Imitates a missing rule: every rule is a pure function of the state that a commit reads. */
export function lying(store: Store, { see, write, now: tell, everywhere }: Lie): Store {
  return {
    ...store,
    commit: (scope, change, when) => {
      if (!everywhere && scope.termsHash === undefined) return store.commit(scope, change, when)
      const told = (state: LedgerState, now: number): ReturnType<typeof change> => {
        const changed = change(see?.(state, now) ?? state, tell?.(now) ?? now)
        return (write?.(changed, state, now) ?? changed) as ReturnType<typeof change>
      }
      return store.commit(scope, told, when)
    },
  }
}

export function isOf(change: AnyChange, type: string): boolean {
  return change.events.some((event) => event.type === type)
}

/** Alters fields of every account for the decision, and restores the true ones afterwards. */
export function forDecision(fields: (one: Pick<Session, 'limits' | 'usage'>) => object): Lie {
  const seen = <One extends Pick<Session, 'limits' | 'usage'>>(one: One): One => ({
    ...one,
    ...fields(one),
  })
  return {
    see: (state) => ({
      ...state,
      ...(state.session && { session: seen(state.session) }),
      ancestors: state.ancestors.map(seen),
      ...(state.delegation && { delegation: seen(state.delegation) }),
    }),
    write: (change, state) => {
      const before = [state.session, ...state.ancestors, state.delegation]
      const restored = <One extends { readonly id: string }>(one: One): One => {
        const known: object = before.find((other) => other?.id === one.id) ?? {}
        const names = Object.keys(one).filter((name) => name !== 'usage')
        const kept = Object.entries(known).filter(([name]) => name !== 'usage')
        return {
          ...one,
          ...Object.fromEntries(names.map((name) => [name, undefined])),
          ...Object.fromEntries(kept),
        }
      }
      return {
        ...change,
        ...(change.sessions && { sessions: change.sessions.map(restored) }),
        ...(change.delegations && { delegations: change.delegations.map(restored) }),
      }
    },
  }
}

export function changedPayment(change: AnyChange, next: (payment: Payment) => Payment): AnyChange {
  const payments = change.payments?.map(next)
  const result = change.result as { readonly payment?: Payment } | undefined
  return {
    ...change,
    ...(payments && { payments }),
    result: result?.payment ? { ...result, payment: next(result.payment) } : result,
  }
}

export function runScope(
  scope: Parameters<Store['read']>[0],
  run: string,
): Parameters<Store['read']>[0] {
  return scope.key === undefined ? scope : { ...scope, key: scope.key + run }
}

export function withoutTwin(state: LedgerState): LedgerState {
  const { twin: _twin, ...rest } = state
  return rest
}

const bucketMs: Readonly<Record<string, number>> = { minute: 1_000, hour: 60_000, day: 1_440_000 }

export type Account = Pick<Session, 'id' | 'limits' | 'usage'>

/** Restores the window buckets that were hidden from the decision. */
export function remembering<One extends Account>(one: One, before: Account | undefined): One {
  const windows = one.usage.windows.map((buckets, position) => {
    const first = buckets[0]?.index ?? 0
    const last = buckets.at(-1)?.index ?? 0
    const width = one.limits.windows[position]?.per === 'utc-day' ? 0 : 60
    const left = (before?.usage.windows[position] ?? []).filter(
      ({ index }) => index < first && index >= last - width,
    )
    return [...left, ...buckets]
  })
  return { ...one, usage: { ...one.usage, windows } }
}

/** Hides the oldest bucket of a window, part of which still counts. */
export function forgetful<One extends Pick<Session, 'limits' | 'usage'>>(
  one: One,
  now: number,
): One {
  const windows = one.limits.windows.map(({ per }, position) => {
    const oldest = Math.floor(now / (bucketMs[per] ?? Number.POSITIVE_INFINITY)) - 60
    return (one.usage.windows[position] ?? []).filter(({ index }) => index > oldest)
  })
  return { ...one, usage: { ...one.usage, windows } }
}

/** Returns the state as if a cancellation of its payment were on record. */
export function withCancellation(state: LedgerState, now: number): LedgerState {
  return state.payment
    ? { ...state, payment: { ...state.payment, cancellationAskedAt: now } }
    : state
}

/** Lets a rail's word alone end a hold, as if the guard's own clock were never compared. */
export const withoutOwnClock: Lie = {
  everywhere: true,
  see: withCancellation,
  write: (change, { payment: stored }) =>
    isOf(change, 'cancellation-answered')
      ? change
      : changedPayment(change, ({ cancellationAskedAt: _seen, ...payment }) => {
          const askedAt = stored?.cancellationAskedAt
          return askedAt === undefined ? payment : { ...payment, cancellationAskedAt: askedAt }
        }),
}
