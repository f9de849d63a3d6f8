import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { expect, test } from 'vitest'
import { operations } from '../api/openapi.ts'
import { access, type OperationName } from '../auth/access.ts'
import { createCommandTree } from './command-line.ts'
import { createProcessTerminal } from './terminal.ts'

/**
 * The command for each operation of the API. It is undefined for operations that only an agent's
 * process calls.
 */
const commandOf: Readonly<Record<OperationName, string | undefined>> = {
  issueKey: 'keys create',
  rotateKey: 'keys rotate',
  revokeKey: 'keys revoke',
  keys: 'keys list',
  instruments: 'instruments list',
  assets: 'instruments assets',
  archive: 'archive',
  createSession: 'sessions create',
  changeSession: 'sessions change',
  unlockSession: 'sessions unlock',
  revokeSession: 'sessions revoke',
  session: 'sessions show',
  sessions: 'sessions list',
  exposure: 'exposure',
  cancel: 'payments cancel',
  grantDelegation: 'delegations grant',
  approve: 'approvals approve',
  deny: 'approvals deny',
  revokeDelegation: 'delegations revoke',
  allowAgain: 'payments allow-again',
  setLimits: 'limits set',
  cancelMine: 'payments cancel',
  myLimits: 'limits show',
  myDelegations: 'delegations list',
  mySessions: 'sessions list',
  myPayments: 'payments list',
  myApprovals: 'approvals list',
  myApprovalOf: 'approvals list',
  myExposure: 'exposure',
  myPermission: 'delegations permission',
  myFunding: 'instruments funding',
  pay: undefined,
  quote: undefined,
  prove: undefined,
  conclude: undefined,
  openChild: undefined,
  closeSession: undefined,
  sessionStatus: undefined,
  audit: 'audit export',
  verifyAudit: 'audit verify',
  exportAudit: 'audit export',
  payments: 'payments list',
  payment: 'payments show',
  caller: undefined,
}

function listPaths(command: CommandUnknownOpts, above = ''): string[] {
  return command.commands.flatMap((one) => {
    const path = `${above}${one.name()}`
    return one.commands.length === 0 ? [path] : listPaths(one, `${path} `)
  })
}

test('what the API offers to people has a command', () => {
  const paths = listPaths(createCommandTree(createProcessTerminal(), () => {}))
  const named = Object.values(commandOf).filter((path) => path !== undefined)
  expect(named.filter((path) => !paths.includes(path))).toEqual([])
  const without = Object.keys(access).filter((name) => !commandOf[name as OperationName])
  const agents = operations.filter(({ inSession }) => inSession).map(({ name }) => name)
  expect(without.toSorted()).toEqual([...agents, 'caller'].toSorted())
})
