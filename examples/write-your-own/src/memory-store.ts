import {
  BursarError,
  type Change,
  type LedgerState,
  type Page,
  type Scope,
  type Store,
} from '@bursar/core'
import {
  assertRecorded,
  isUnsettled,
  type ListName,
  loadState,
  pageBounds,
  pageOf,
} from '@bursar/core/store'
import { ledgerLookups, type MemoryLedger } from './memory-ledger.ts'
import { writeRows } from './write-rows.ts'

/** Returns a store over a ledger in memory, which other stores of this process may share. */
export function memoryStore(ledger: MemoryLedger, clock: () => number): Store {
  let isClosed = false
  /** Runs synchronously, so that no other call can come in between. */
  const run = async <Result>(query: () => Result): Promise<Result> => {
    if (isClosed) throw new BursarError('store_closed', 'The store in memory is closed.')
    return query()
  }
  return {
    ...memoryLists(ledger, run),
    commit: (scope, change) => run(() => commitChange(ledger, clock, scope, change)),
    read: (scope) => run(() => loadState(ledgerLookups(ledger), scope)),
    now: clock,
    content: (payment) => run(() => ledger.contents.get(payment)),
    async close() {
      isClosed = true
    },
  }
}

// #region commit
function commitChange<Result>(
  ledger: MemoryLedger,
  clock: () => number,
  scope: Scope,
  change: (state: LedgerState, now: number) => Change<Result>,
): Result {
  const state = loadState(ledgerLookups(ledger), scope)
  const now = Math.max(clock(), ledger.records.at(-1)?.at ?? 0)
  const changed = change(state, now)
  assertRecorded(changed)
  writeRows(ledger, changed, now)
  return changed.result
}
// #endregion

type Lists = Pick<
  Store,
  'payments' | 'sessions' | 'delegations' | 'approvals' | 'credentials' | 'audit'
>

function memoryLists(
  ledger: MemoryLedger,
  run: <Result>(query: () => Result) => Promise<Result>,
): Lists {
  // #region list
  const readPage = <Row extends { readonly id: string }>(
    list: ListName,
    rows: Iterable<Row>,
    page: { after?: string | undefined; limit?: number | undefined },
    isListed: (row: Row) => boolean,
  ): Page<Row> => {
    const { after, limit } = pageBounds(list, page)
    const found = [...rows]
      .filter(isListed)
      .map((value) => ({ pk: ledger.pks.get(value.id) ?? 0n, value }))
      .filter(({ pk }) => pk > after)
    return pageOf(list, found.slice(0, limit))
  }
  // #endregion
  const endUserOf = (delegation: string) => ledger.delegations.get(delegation)?.endUser
  return {
    payments: ({ session, delegation, endUser, states }, page) =>
      run(() =>
        readPage(
          'payments',
          ledger.payments.values(),
          page,
          (one) =>
            isAny(session, one.session) &&
            isAny(delegation, one.delegation) &&
            isAny(endUser, one.endUser) &&
            (states?.includes(one.state) ?? true),
        ),
      ),
    sessions: ({ delegation, endUser }, page) =>
      run(() =>
        readPage(
          'sessions',
          ledger.sessions.values(),
          page,
          (one) => isAny(delegation, one.delegation) && isAny(endUser, endUserOf(one.delegation)),
        ),
      ),
    delegations: ({ endUser, unsettled }, page) =>
      run(() =>
        readPage(
          'delegations',
          ledger.delegations.values(),
          page,
          (one) => isAny(endUser, one.endUser) && (!unsettled || isUnsettled(one)),
        ),
      ),
    approvals: ({ endUser, session, key, states }, page) =>
      run(() =>
        readPage(
          'approvals',
          ledger.approvals.values(),
          page,
          (one) =>
            isAny(endUser, one.endUser) &&
            isAny(session, one.session) &&
            isAny(key, one.key) &&
            (states?.includes(one.state) ?? true),
        ),
      ),
    credentials: (page) =>
      run(() => readPage('credentials', ledger.credentials.values(), page, () => true)),
    audit: (page) =>
      run(() => {
        const { after, limit } = pageBounds('audit', page)
        const records = ledger.records.slice(Number(after), Number(after) + limit)
        return pageOf(
          'audit',
          records.map((value) => ({ pk: BigInt(value.seq), value })),
        )
      }),
  }
}

function isAny(wanted: string | undefined, actual: string | undefined): boolean {
  return wanted === undefined || wanted === actual
}
