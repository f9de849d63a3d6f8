import { type Role, roles } from '@bursar/core'
import { describe, expect, test } from 'vitest'
import { payBody, type ServiceWorld, serviceWorld } from '../../test/world.ts'
import { operations } from '../api/openapi.ts'
import { access, describeRoleConflict, mayCall, type OperationName } from './access.ts'

/** Written out, not computed: who gets through at which route. Whoever is not named is refused. */
const through: Readonly<Record<OperationName, readonly Role[]>> = {
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

/** What can both widen and spend, written out as well. */
const forbiddenPairs = [
  ['administrator', 'payer'],
  ['manager', 'payer'],
  ['payer', 'end_user'],
] as const

/** A request that its role can make in every respect. */
function request(name: OperationName, world: ServiceWorld) {
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

/** Of what is not there, who may ask for it is told so. */
const missing: Partial<Record<OperationName, string>> = {
  approve: 'approval_unknown',
  deny: 'approval_unknown',
  conclude: 'payment_unknown',
  payment: 'payment_unknown',
}

describe('the table of roles', () => {
  test('has a row for every route, and a route for every row', () => {
    expect(operations.map(({ name }) => name).toSorted()).toEqual(Object.keys(access).toSorted())
    expect(Object.keys(through).toSorted()).toEqual(Object.keys(access).toSorted())
  })

  test.each(operations.map(({ name }) => name))('%s is for its roles alone', async (name) => {
    for (const role of [...roles, undefined]) {
      // Nothing has ended in it: nothing is written.
      const world = await serviceWorld({ archives: 'unused' })
      const { method, path, options } = request(name, world)
      const { status, body } = await world.call(role, method, path, options)
      const isThrough = role !== undefined && through[name].includes(role)
      if (!isThrough) {
        const expected = role === undefined ? [401, 'unauthenticated'] : [403, 'forbidden']
        expect([role, status, body.code]).toEqual([role, ...expected])
      } else if (missing[name]) {
        expect([role, status, body.code]).toEqual([role, 404, missing[name]])
      } else {
        expect([role, status < 300]).toEqual([role, true])
      }
    }
  })

  test('lets nobody raise and spend, whatever roles are put together', () => {
    const sets = Array.from({ length: 2 ** roles.length }, (_, bits) =>
      roles.filter((_role, place) => (bits >> place) & 1),
    )
    for (const some of sets) {
      const isForbidden = forbiddenPairs.some(([one, other]) => {
        return some.includes(one) && some.includes(other)
      })
      expect([some, describeRoleConflict(some) !== undefined]).toEqual([some, isForbidden])
      if (!isForbidden) continue
      // Even if such a caller came through, what would make it dangerous is denied.
      expect(mayCall('pay', some)).toBe(false)
      expect(mayCall('openChild', some)).toBe(false)
    }
  })

  test('says why', () => {
    expect(describeRoleConflict(['payer', 'manager'])).toBe(
      'can both raise a budget (createSession) and spend it (pay)',
    )
  })
})
