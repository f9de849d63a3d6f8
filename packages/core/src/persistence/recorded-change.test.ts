import { expect, test } from 'vitest'
import type { Change } from '../ledger/ledger-state.ts'
import { assertRecorded } from './recorded-change.ts'

const instrument = { handle: 'alice-wallet', endUser: 'alice', registeredAt: 1 }
const nothing = { result: 0, events: [] }

test('rows that are written or removed need an audit record', () => {
  const removed = { records: [], payments: ['pay_1'], approvals: [], sessions: [] }
  const changes: readonly Change<number>[] = [
    { ...nothing, instruments: [instrument] },
    { ...nothing, removed },
  ]
  for (const change of changes) {
    expect(() => assertRecorded(change)).toThrow('without an audit record')
    const events = [{ type: 'session-locked', session: 's', delegation: 'd' }] as const
    assertRecorded({ ...change, events })
  }
})

test('a change that writes no rows needs no record', () => {
  assertRecorded(nothing)
  const removed = { records: [], payments: [], approvals: [], sessions: [] }
  assertRecorded({ ...nothing, sessions: [], removed })
})
