import {
  type AuditRecord,
  BursarError,
  type Change,
  type LedgerState,
  type Page,
  type PageRequest,
  type Scope,
  type Store,
  type When,
} from '@bursar/core'
import { isUnsettled, type ListName, pageBounds, pageOf } from '@bursar/core/store'
import { copyOf, type Disk, load, nowOf, write } from './disk.ts'

/**
 * The fate of a durable write: `unwritten` rejects without writing, `unheard` writes and then rejects,
 * `late` rejects first and is written afterwards.
 */
export type WriteFate = 'written' | 'unwritten' | 'unheard' | 'late'

/** The disk, clock and scheduler that a simulated store uses. */
export interface StoreWorld {
  readonly disk: Disk
  readonly clock: () => number
  /** Schedules work of this store's process. */
  later<Result>(label: string, work: () => Result): Promise<Result>
  /** Schedules work that outlives the process. */
  afterwards(label: string, work: () => void): void
  fate(): WriteFate
  isAlive(): boolean
  /** Whether each change runs twice, as a store may run it. Impure changes are refused. */
  readonly runsAgain: boolean
  /** Receives each change before it is written. A thrown error ends the simulation. */
  onWrite(change: Change<unknown>): void
}

interface Job {
  readonly when: When
  /** The time at which a read ran the change. That result is then the one to write. */
  ranAt: number | undefined
  readonly scope: Scope
  readonly change: (state: LedgerState, now: number) => Change<unknown>
  resolve(result: unknown): void
  reject(error: unknown): void
}

type Outcome = { readonly value: unknown } | { readonly error: unknown }

/**
 * Creates a store in memory whose writes fail as a database's do. A `soon` commit stays in its
 * process until the next durable write, and dies with it; reads of that process see it.
 */
export function simulatedStore(world: StoreWorld): Store {
  const { disk, clock, later } = world
  let waiting: Job[] = []
  let closed = false
  const run = (on: Disk, job: Job): Outcome => {
    const { ranAt } = job
    const now = nowOf(on, ranAt === undefined ? clock : () => ranAt)
    try {
      const state = load(on, job.scope)
      const changed = world.runsAgain ? runTwice(job, state, now) : job.change(state, now)
      if (on === disk) world.onWrite(changed)
      write(on, changed, now)
      return { value: changed.result }
    } catch (error) {
      return { error }
    }
  }
  /** Writes the waiting commits durably. `answer` decides when this process hears of it. */
  const flush = (answer: (work: () => void) => void = (work) => work()): void => {
    const { writer } = disk
    disk.writer = undefined
    if (writer && writer !== self && writer.isAlive()) writer.flush()
    const jobs = waiting
    waiting = []
    const fate = jobs.length === 0 ? 'written' : world.fate()
    const attempt = (): readonly Outcome[] => jobs.map((job) => run(disk, job))
    const outcomes = fate === 'written' || fate === 'unheard' ? attempt() : []
    if (fate === 'late') {
      for (const job of jobs) job.ranAt = undefined
      world.afterwards('a write arrives late', () => void attempt())
    }
    jobs.forEach((job, position) => {
      const failed = { error: new BursarError('store_failed', `The write was ${fate}.`) }
      const outcome = fate === 'written' ? (outcomes[position] ?? failed) : failed
      answer(() => ('error' in outcome ? job.reject(outcome.error) : job.resolve(outcome.value)))
    })
  }
  /** Returns the disk as this process sees it: with its own commits that are not durable yet. */
  const view = (): Disk => {
    if (waiting.some(({ when }) => when === 'now')) flush()
    if (waiting.length === 0) return disk
    if (disk.writer !== self && disk.writer?.isAlive()) disk.writer.flush()
    disk.writer = self
    const seen = copyOf(disk)
    for (const job of waiting) {
      job.ranAt ??= nowOf(seen, clock)
      run(seen, job)
    }
    return seen
  }
  const self = {
    isAlive: () => world.isAlive(),
    // Another process is writing, so this one waits for its turn.
    flush: () => flush((work) => void later('hear of a write', work)),
  }
  const ask = <Result>(label: string, query: () => Result): Promise<Result> =>
    closed ? Promise.reject(closedError()) : later(label, query)
  return {
    commit: (scope, change, when) =>
      closed
        ? Promise.reject(closedError())
        : new Promise((resolve, reject) => {
            const resolveAny = resolve as Job['resolve']
            const job: Job = { when, ranAt: undefined, scope, change, resolve: resolveAny, reject }
            waiting.push(job)
            if (when === 'now') void later('commit', () => flush())
            else if (waiting.length === 1) void later('write what waits', () => flush())
          }),
    read: (scope) => ask('read', () => load(view(), scope)),
    now: clock,
    content: (payment) => ask('read content', () => view().contents.get(payment)),
    ...lists(ask, view),
    audit: (page) =>
      ask('read the trail', () => {
        flush()
        return auditPage(disk, page)
      }),
    close: () => {
      closed = true
      return later('close', () => flush())
    },
  }
}

function lists(
  ask: <Result>(label: string, query: () => Result) => Promise<Result>,
  view: () => Disk,
): Pick<Store, 'payments' | 'sessions' | 'delegations' | 'approvals' | 'credentials'> {
  const isOf = (seen: Disk, delegation: string, endUser: string | undefined): boolean =>
    endUser === undefined || seen.delegations.get(delegation)?.endUser === endUser
  return {
    payments: (filter, page) =>
      ask('list payments', () => {
        const seen = view()
        const { session, delegation, endUser, states } = filter
        return readPage(
          'payments',
          [...seen.payments.values()],
          (one) =>
            (session === undefined || one.session === session) &&
            (delegation === undefined || one.delegation === delegation) &&
            (endUser === undefined || one.endUser === endUser) &&
            (states === undefined || states.includes(one.state)),
          page,
          placeIn(seen),
        )
      }),
    credentials: (page) =>
      ask('list keys', () =>
        readPage(
          'credentials',
          [...view().credentials.values()],
          () => true,
          page,
          placeIn(view()),
        ),
      ),
    sessions: ({ delegation, endUser }, page) =>
      ask('list sessions', () => {
        const seen = view()
        return readPage(
          'sessions',
          [...seen.sessions.values()],
          (one) =>
            (delegation === undefined || one.delegation === delegation) &&
            isOf(seen, one.delegation, endUser),
          page,
          placeIn(seen),
        )
      }),
    approvals: ({ endUser, session, key, states }, page) =>
      ask('list approvals', () => {
        const seen = view()
        return readPage(
          'approvals',
          [...seen.approvals.values()],
          (one) =>
            (endUser === undefined || one.endUser === endUser) &&
            (session === undefined || one.session === session) &&
            (key === undefined || one.key === key) &&
            (states === undefined || states.includes(one.state)),
          page,
          placeIn(seen),
        )
      }),
    delegations: ({ endUser, unsettled }, page) =>
      ask('list delegations', () => {
        const seen = view()
        return readPage(
          'delegations',
          [...seen.delegations.values()],
          (one) =>
            (endUser === undefined || one.endUser === endUser) && (!unsettled || isUnsettled(one)),
          page,
          placeIn(seen),
        )
      }),
  }
}

function auditPage({ records }: Disk, page: PageRequest): Page<AuditRecord> {
  const isWanted = (): boolean => true
  return readPage('audit', records, isWanted, page, ({ seq }) => seq)
}

function placeIn({ pks }: Disk): (row: { readonly id: string }) => number {
  return ({ id }) => Number(pks.get(id) ?? 0n)
}

/**
 * Returns a page of a list. A cursor is a position, because rows are appended and removed anywhere.
 */
function readPage<Row>(
  list: ListName,
  all: readonly Row[],
  isWanted: (row: Row) => boolean,
  page: PageRequest,
  placeOf: (row: Row) => number,
): Page<Row> {
  const { after, limit } = pageBounds(list, page)
  const rows: { readonly pk: bigint; readonly value: Row }[] = []
  for (const value of all) {
    if (rows.length === limit) break
    const pk = BigInt(placeOf(value))
    if (pk > after && isWanted(value)) rows.push({ pk, value })
  }
  return pageOf(list, rows)
}

/** Checks that a second run of a change gives an equal result, because a store may run it again. */
function runTwice({ change }: Job, state: LedgerState, now: number): Change<unknown> {
  const first = change(state, now)
  const second = change(state, now)
  if (textOf(first) === textOf(second)) return second
  throw new BursarError('invariant_broken', 'A change gave something else when it ran again.')
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'bigint' ? `${part}n` : part,
  )
}

function closedError(): BursarError {
  return new BursarError('store_closed', 'The simulated store is closed.')
}
