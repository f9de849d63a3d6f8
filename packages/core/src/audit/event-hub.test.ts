import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import type { AuditEvent } from '../ledger/audit-event.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { Store } from '../ports/store.ts'
import { createEventHub, emitCommittedEvents } from './event-hub.ts'

const AT = Date.UTC(2030, 0, 1)

function event(session: string): AuditEvent {
  return { type: 'session-revoked', session, delegation: 'del_1' }
}

function sessionOf(told: AuditEvent): string {
  return 'session' in told ? told.session : ''
}

describe('a hub', () => {
  test('tells every listener each event with its time', () => {
    const hub = createEventHub()
    const told: string[] = []
    hub.subscribe((one, at) => told.push(`a ${sessionOf(one)} ${at - AT}`))
    hub.subscribe((one, at) => told.push(`b ${sessionOf(one)} ${at - AT}`))
    hub.emit(event('1'), AT)
    hub.emit(event('2'), AT + 5)
    expect(told).toEqual(['a 1 0', 'b 1 0', 'a 2 5', 'b 2 5'])
  })

  test('tells one function as often as it was subscribed, and ends one subscription at a time', () => {
    const hub = createEventHub()
    let count = 0
    const listener = () => {
      count += 1
    }
    const end = hub.subscribe(listener)
    hub.subscribe(listener)
    hub.emit(event('1'), AT)
    expect(count).toBe(2)
    end()
    end()
    hub.emit(event('2'), AT)
    expect(count).toBe(3)
  })

  const broken: readonly [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('x')
      },
    ],
    [
      'throws what is no error',
      () => {
        throw undefined
      },
    ],
    ['rejects', () => Promise.reject(new Error('x'))],
    ['rejects in another realm', () => runInNewContext(`Promise.reject(new Error('x'))`)],
    ['answers what rejects like a promise', () => thenable((_ok, fail) => fail(new Error('x')))],
    [
      'answers what throws like a promise',
      () =>
        thenable(() => {
          throw new Error('x')
        }),
    ],
    ['never ends', () => new Promise(() => undefined)],
  ]

  test.each(broken)('a listener that %s harms nothing', async (_what, listener) => {
    const hub = createEventHub()
    const told: string[] = []
    hub.subscribe(listener)
    hub.subscribe((one) => told.push(sessionOf(one)))
    hub.emit(event('1'), AT)
    hub.emit(event('2'), AT)
    // A rejection that nobody takes would end the test run here.
    await new Promise(setImmediate)
    expect(told).toEqual(['1', '2'])
  })

  test('what a listener writes into an event is its own', () => {
    const hub = createEventHub()
    const given = event('1')
    const told: AuditEvent[] = []
    hub.subscribe((one) => Object.assign(one, { session: 'forged' }))
    hub.subscribe((one) => told.push(one))
    hub.emit(given, AT)
    expect([told, given]).toEqual([[event('1')], event('1')])
  })

  test('who subscribes while an event is told hears the next one, and the telling ends', () => {
    const hub = createEventHub()
    let count = 0
    const again = () => {
      count += 1
      hub.subscribe(again)
    }
    hub.subscribe(again)
    hub.emit(event('1'), AT)
    expect(count).toBe(1)
    hub.emit(event('2'), AT)
    expect(count).toBe(3)
  })

  test('who leaves while an event is told hears no more', () => {
    const hub = createEventHub()
    const told: string[] = []
    hub.subscribe(() => end())
    const end = hub.subscribe(() => told.push('left'))
    hub.emit(event('1'), AT)
    expect(told).toEqual([])
  })
})

/** Creates an object that `await` takes for a promise. */
function thenable(then: (ok: () => void, fail: (error: Error) => void) => void): unknown {
  return Object.defineProperty({}, 'then', { value: then })
}

type Run = (change: (now: number) => Change<unknown>) => unknown

/** A store whose commit does what the test says; every other call answers with its name. */
function storeOf(run: Run): Store {
  const named = (name: string) => (): never => [name] as never
  return {
    commit: async (_scope, change) =>
      run((now) => change({ ancestors: [] } satisfies LedgerState, now)) as never,
    read: named('read'),
    now: () => AT,
    payments: named('payments'),
    sessions: named('sessions'),
    delegations: named('delegations'),
    approvals: named('approvals'),
    credentials: named('credentials'),
    content: named('content'),
    audit: named('audit'),
    close: named('close'),
  }
}

function watched(run: Run) {
  const hub = createEventHub()
  const told: string[] = []
  hub.subscribe((one, at) => told.push(`${sessionOf(one)} ${at - AT}`))
  return { store: emitCommittedEvents(storeOf(run), hub), told }
}

describe('a store that is observed', () => {
  test('tells the events of a commit after it, in their order', async () => {
    const order: string[] = []
    const { store, told } = watched(async (change) => {
      const { result } = change(AT)
      await new Promise(setImmediate)
      order.push(`committed, ${told.length} told`)
      return result
    })
    const change = () => ({ result: 'r', events: [event('1'), event('2')] })
    expect(await store.commit({}, change, 'now')).toBe('r')
    expect(order).toEqual(['committed, 0 told'])
    expect(told).toEqual(['1 0', '2 0'])
  })

  test('tells of a change that runs twice only what its last run committed', async () => {
    const { store, told } = watched((change) => {
      change(AT)
      return change(AT + 7).result
    })
    let runs = 0
    await store.commit(
      {},
      () => {
        runs += 1
        return { result: runs, events: [event(`run ${runs}`)] }
      },
      'soon',
    )
    expect(told).toEqual(['run 2 7'])
  })

  test('tells nothing of what was not committed', async () => {
    const failing = watched((change) => {
      change(AT)
      throw new Error('disk full')
    })
    const change = () => ({ result: undefined, events: [event('1')] })
    await expect(failing.store.commit({}, change, 'now')).rejects.toThrow('disk full')
    expect(failing.told).toEqual([])
  })

  test('tells nothing of a change that throws, even where an earlier run of it did not', async () => {
    const { store, told } = watched((change) => {
      change(AT)
      return change(AT).result
    })
    let runs = 0
    const change = () => {
      runs += 1
      if (runs === 2) throw new Error('refused')
      return { result: undefined, events: [event('1')] }
    }
    await expect(store.commit({}, change, 'now')).rejects.toThrow('refused')
    expect(told).toEqual([])
  })

  test('tells each of many commits at once exactly once', async () => {
    const { store, told } = watched(async (change) => {
      await new Promise(setImmediate)
      return change(AT).result
    })
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        store.commit({}, () => ({ result: 0, events: [event(`${index}`)] }), 'now'),
      ),
    )
    expect(told.length).toBe(50)
    expect(new Set(told).size).toBe(50)
  })

  test('passes everything else on', async () => {
    const { store } = watched(() => undefined)
    expect(store.now()).toBe(AT)
    const names = [
      'read',
      'payments',
      'sessions',
      'delegations',
      'content',
      'audit',
      'close',
    ] as const
    for (const name of names) expect((store[name] as () => unknown)()).toEqual([name])
  })
})
