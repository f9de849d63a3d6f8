import { BursarError, type EndUser, inputs, type LimitsInput } from '@bursar/core'
import { z } from 'zod'
import {
  approvalSchema,
  cancellationSchema,
  delegationSchema,
  endUserSchema,
  exposureSchema,
  fundingSchema,
  paymentSchema,
  sessionSchema,
} from '../account-schema.ts'
import { cancelBody, readCancelInput } from '../cancel-body.ts'
import {
  defineOperation,
  type Invocation,
  type Operation,
  operationListQuerySchema,
  operationPageSchema,
  readOperationPageRequest,
  readOperationPathParameter,
} from '../operation.ts'

/**
 * Returns the end user that the caller speaks for; no part of the request can name another. Throws
 * `forbidden` if the caller speaks for no end user.
 */
function requireEndUser({ bursar, caller }: Invocation): EndUser {
  if (caller.endUser !== undefined) return bursar.endUser(caller.endUser)
  throw new BursarError(
    'forbidden',
    'The caller speaks for no end user. Use a key of the role end_user.',
  )
}

/** The operations of end users. Objects of another end user are answered as unknown. */
export const endUserOperations: readonly Operation[] = [
  defineOperation({
    name: 'grantDelegation',
    method: 'post',
    path: '/v1/me/delegations',
    summary: 'Gives an agent permission to spend from an instrument of the end user.',
    body: inputs.grantDelegation,
    result: delegationSchema,
    status: 201,
    repeat: 'key',
    handle: (call) => requireEndUser(call).grantDelegation(call.input.body as never, call.once),
  }),
  defineOperation({
    name: 'revokeDelegation',
    method: 'post',
    path: '/v1/me/delegations/{delegation}/revoke',
    summary: 'Revokes a delegation. No new payment is reserved from then on.',
    body: inputs.reason,
    result: delegationSchema,
    repeat: 'state',
    handle: (call) =>
      requireEndUser(call).revokeDelegation(
        readOperationPathParameter(call.input, 'delegation'),
        call.input.body as never,
      ),
  }),
  defineOperation({
    name: 'myDelegations',
    method: 'get',
    path: '/v1/me/delegations',
    summary: 'Lists the end user’s delegations, oldest first.',
    query: operationListQuerySchema(),
    result: operationPageSchema(delegationSchema),
    repeat: 'safe',
    handle: (call) => requireEndUser(call).delegations(readOperationPageRequest(call.input)),
  }),
  defineOperation({
    name: 'mySessions',
    method: 'get',
    path: '/v1/me/sessions',
    summary: 'Lists the sessions that spend the end user’s money, oldest first.',
    query: operationListQuerySchema(),
    result: operationPageSchema(sessionSchema),
    repeat: 'safe',
    handle: (call) => requireEndUser(call).sessions(readOperationPageRequest(call.input)),
  }),
  defineOperation({
    name: 'myPayments',
    method: 'get',
    path: '/v1/me/payments',
    summary: 'Lists the end user’s payments, oldest first.',
    query: operationListQuerySchema(),
    result: operationPageSchema(paymentSchema),
    repeat: 'safe',
    handle: (call) => requireEndUser(call).payments(readOperationPageRequest(call.input)),
  }),
  defineOperation({
    name: 'allowAgain',
    method: 'post',
    path: '/v1/me/payments/{payment}/allow-again',
    summary: 'Allows the request of an undelivered payment to be paid for once more.',
    body: inputs.reason,
    result: paymentSchema,
    repeat: 'state',
    handle: (call) =>
      requireEndUser(call).allowAgain(
        readOperationPathParameter(call.input, 'payment'),
        call.input.body as never,
      ),
  }),
  defineOperation({
    name: 'myExposure',
    method: 'get',
    path: '/v1/me/exposure',
    summary: 'Returns how much of the end user’s money can still move, and until when.',
    result: exposureSchema,
    repeat: 'safe',
    handle: (call) => requireEndUser(call).exposure(),
  }),
  defineOperation({
    name: 'myPermission',
    method: 'get',
    path: '/v1/me/delegations/{delegation}/permission',
    summary: 'Asks the wallet’s provider whether the permission of a delegation still exists.',
    result: z.object({ permission: z.enum(['granted', 'absent']) }),
    repeat: 'safe',
    handle: async (call) => ({
      permission: await requireEndUser(call).readPermission(
        readOperationPathParameter(call.input, 'delegation'),
      ),
    }),
  }),
  defineOperation({
    name: 'myFunding',
    method: 'get',
    path: '/v1/me/instruments/{instrument}/funding',
    summary: 'Returns the address and the assets that fund an instrument.',
    result: fundingSchema,
    repeat: 'safe',
    handle: (call) =>
      requireEndUser(call).funding(readOperationPathParameter(call.input, 'instrument')),
  }),
  defineOperation({
    name: 'cancelMine',
    method: 'post',
    path: '/v1/me/cancel',
    summary: 'Asks the rails to cancel signed payments of the end user.',
    body: cancelBody,
    result: cancellationSchema,
    repeat: 'state',
    handle: (call) => requireEndUser(call).cancel(...readCancelInput(call.input)),
  }),
  defineOperation({
    name: 'setLimits',
    method: 'post',
    path: '/v1/me/limits',
    summary: 'Sets the end user’s limits over all agents, until they are set again.',
    body: z.strictObject({ limits: inputs.limits, reason: z.string().optional() }),
    result: endUserSchema,
    repeat: 'state',
    handle: (call) => {
      const { limits, ...reason } = call.input.body as {
        readonly limits: LimitsInput
        readonly reason?: string
      }
      return requireEndUser(call).setLimits(limits, reason)
    },
  }),
  defineOperation({
    name: 'myLimits',
    method: 'get',
    path: '/v1/me/limits',
    summary: 'Returns the end user’s limits over all agents, or null if none were ever set.',
    result: z.object({ limits: endUserSchema.nullable() }),
    repeat: 'safe',
    handle: async (call) => ({ limits: (await requireEndUser(call).limits()) ?? null }),
  }),
  ...endUserApprovalOperations(),
]

function endUserApprovalOperations(): readonly Operation[] {
  return [
    defineOperation({
      name: 'myApprovals',
      method: 'get',
      path: '/v1/me/approvals',
      summary: 'Lists the end user’s approvals, oldest first.',
      query: (operationListQuerySchema() as z.ZodObject).extend({
        waiting: z
          .enum(['true', 'false'])
          .optional()
          .describe('`true` lists only approvals that wait for an answer.'),
      }) as never,
      result: operationPageSchema(approvalSchema),
      repeat: 'safe',
      handle: (call) => {
        const waiting = call.input.query.waiting === 'true'
        return requireEndUser(call).approvals({ waiting }, readOperationPageRequest(call.input))
      },
    }),
    defineOperation({
      name: 'myApprovalOf',
      method: 'get',
      path: '/v1/me/approval',
      summary: 'Finds the approval that a call asked for, or null if it asked for none.',
      query: z.strictObject({
        session: z.string(),
        conversation: z.string(),
        id: z.string(),
      }),
      result: z.object({ approval: approvalSchema.nullable() }),
      repeat: 'safe',
      handle: async (call) => {
        const { query } = call.input
        const approval = await requireEndUser(call).approvalOf(query as never)
        return { approval: approval ?? null }
      },
    }),
    defineOperation({
      name: 'approve',
      method: 'post',
      path: '/v1/me/approvals/{approval}/approve',
      summary: 'Approves exactly the terms on the card, for one payment.',
      result: approvalSchema,
      repeat: 'state',
      handle: (call) =>
        requireEndUser(call).approve(readOperationPathParameter(call.input, 'approval')),
    }),
    defineOperation({
      name: 'deny',
      method: 'post',
      path: '/v1/me/approvals/{approval}/deny',
      summary: 'Denies the terms on the card until the session ends.',
      body: inputs.reason,
      result: approvalSchema,
      repeat: 'state',
      handle: (call) =>
        requireEndUser(call).deny(
          readOperationPathParameter(call.input, 'approval'),
          call.input.body as never,
        ),
    }),
  ]
}
