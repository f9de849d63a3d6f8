import { type Role, roles } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import { payBody, type ServiceWorld, serviceWorld } from '../../test/world.ts'
import { operations } from '../api/openapi.ts'
import { access, describeAccessConflict, mayAccessOperation, type OperationName } from './access.ts'

/** The roles that each operation admits, written out by hand. Every other role is refused. */
const admittedRoles: Readonly<Record<OperationName, readonly Role[]>> = {
  caller: ['administrator', 'manager', 'payer', 'end_user', 'auditor'],
  pay: ['payer'],
  quote: ['payer'],
  sessionStatus: ['payer'],
  closeSession: ['payer'],
  prove: ['payer'],
  conclude: ['payer'],
  openChild: ['payer'],
  createSession: ['manager'],
  sessions: ['manager'],
  session: ['manager'],
  changeSession: ['manager'],
  revokeSession: ['manager'],
  unlockSession: ['manager'],
  exposure: ['manager'],
  cancel: ['manager'],
  grantDelegation: ['end_user'],
  revokeDelegation: ['end_user'],
  allowAgain: ['end_user'],
  setLimits: ['end_user'],
  myLimits: ['end_user'],
  cancelMine: ['end_user'],
  myDelegations: ['end_user'],
  mySessions: ['end_user'],
  myPayments: ['end_user'],
  myExposure: ['end_user'],
  myPermission: ['end_user'],
  myFunding: ['end_user'],
  myApprovals: ['end_user'],
  myApprovalOf: ['end_user'],
  approve: ['end_user'],
  deny: ['end_user'],
  issueKey: ['administrator'],
  keys: ['administrator'],
  rotateKey: ['administrator'],
  revokeKey: ['administrator'],
  instruments: ['administrator'],
  assets: ['administrator'],
  archive: ['administrator'],
  audit: ['auditor'],
  verifyAudit: ['auditor'],
  exportAudit: ['auditor'],
  payments: ['auditor'],
  payment: ['auditor'],
}

/** The pairs of roles that can both raise a limit and spend, written out by hand. */
const forbiddenPairs = [
  ['administrator', 'payer'],
  ['manager', 'payer'],
  ['payer', 'end_user'],
] as const

/** Builds a valid request for an operation. */
function buildRequest(name: OperationName, world: ServiceWorld) {
  const limits = { currency: 'USD', total: '0.10' }
  const bodies: Partial<Record<OperationName, unknown>> = {
    pay: payBody('quote'),
    quote: payBody('quote'),
    prove: { challenge: {} },
    conclude: {},
    cancel: { session: world.session.id },
    cancelMine: { delegation: world.delegation },
    setLimits: { limits },
    archive: { endedFor: '90d' },
    openChild: { limits, expiresIn: '1m' },
    createSession: {
      delegation: world.delegation,
      expiresIn: '1m',
      limits,
      payer: world.keys.payer.id,
    },
    changeSession: { expiresIn: '5m' },
    grantDelegation: {
      agent: 'a',
      instrument: 'alice-wallet',
      expiresIn: '1d',
      limits,
      consent: { how: 'a form' },
    },
    issueKey: { roles: ['auditor'], expiresIn: '1d' },
  }
  const queries: Partial<Record<OperationName, string>> = {
    myApprovalOf: `?session=${world.session.id}&conversation=c&id=1`,
  }
  const { method, path } = operations.find((one) => one.name === name) ?? {
    method: 'get',
    path: '',
  }
  const ids: Readonly<Record<string, string>> = {
    session: world.session.id,
    delegation: world.delegation,
    key: world.keys.auditor.id,
    approval: 'apr_none',
    instrument: 'alice-wallet',
    payment: 'pay_none',
  }
  return {
    method: method.toUpperCase(),
    path: path.replace(/\{(\w+)\}/g, (_all, one) => ids[one] ?? '') + (queries[name] ?? ''),
    options: {
      ...(bodies[name] === undefined ? {} : { body: bodies[name] }),
      token: world.session.token,
    },
  }
}

/** The code for operations whose request names an object that does not exist. */
const unknownCodes: Partial<Record<OperationName, string>> = {
  approve: 'approval_unknown',
  deny: 'approval_unknown',
  conclude: 'payment_unknown',
  payment: 'payment_unknown',
  allowAgain: 'payment_unknown',
}

describe('the table of roles', () => {
  test('has a row for every route, and a route for every row', () => {
    expect(operations.map(({ name }) => name).toSorted()).toEqual(Object.keys(access).toSorted())
    expect(Object.keys(admittedRoles).toSorted()).toEqual(Object.keys(access).toSorted())
  })

  test.each(operations.map(({ name }) => name))('%s admits its roles only', async (name) => {
    for (const role of [...roles, undefined]) {
      // No session has ended in this ledger, so the operation `archive` writes no file.
      const world = await serviceWorld({ archives: 'unused' })
      const { method, path, options } = buildRequest(name, world)
      const { status, body } = await world.call(role, method, path, options)
      const isAdmitted = role !== undefined && admittedRoles[name].includes(role)
      if (!isAdmitted) {
        const expected = role === undefined ? [401, 'unauthenticated'] : [403, 'forbidden']
        expect([role, status, body.code]).toEqual([role, ...expected])
      } else if (unknownCodes[name]) {
        expect([role, status, body.code]).toEqual([role, 404, unknownCodes[name]])
      } else {
        expect([role, status < 300]).toEqual([role, true])
      }
    }
  })

  test('lets no set of roles both raise and spend', () => {
    const sets = Array.from({ length: 2 ** roles.length }, (_, bits) =>
      roles.filter((_role, place) => (bits >> place) & 1),
    )
    for (const set of sets) {
      const isForbidden = forbiddenPairs.some(([one, other]) => {
        return set.includes(one) && set.includes(other)
      })
      expect([set, describeAccessConflict(set) !== undefined]).toEqual([set, isForbidden])
      if (!isForbidden) continue
      // A second line of defence: the table denies spending even if such a caller is recognised.
      expect(mayAccessOperation('pay', set)).toBe(false)
      expect(mayAccessOperation('openChild', set)).toBe(false)
    }
  })

  test('names the operations that make roles conflict', () => {
    expect(describeAccessConflict(['payer', 'manager'])).toBe(
      'can both raise a budget (createSession) and spend it (pay)',
    )
  })
})
