import { inputs } from '@bursar/core'
import { z } from 'zod'
import {
  cancellationSchema,
  createdSessionSchema,
  exposureSchema,
  sessionSchema,
} from '../account-schema.ts'
import { cancelBody, readCancelInput } from '../cancel-body.ts'
import {
  defineOperation,
  type Operation,
  operationListQuerySchema,
  operationPageSchema,
  readOperationFilter,
  readOperationPageRequest,
  readOperationPathParameter,
} from '../operation.ts'

/** Over HTTP every session needs a payer, so that a stolen session token alone cannot pay. */
const createBody = (inputs.createSession as z.ZodObject).required({ payer: true })

/** The operations of managers. A manager opens and changes sessions, and never pays. */
export const managementOperations: readonly Operation[] = [
  defineOperation({
    name: 'createSession',
    method: 'post',
    path: '/v1/sessions',
    summary:
      'Opens a session within a delegation, bound to a payer. The response shows its token once.',
    body: createBody,
    result: createdSessionSchema,
    status: 201,
    repeat: 'key',
    handle: ({ bursar, input, once }) => bursar.management.createSession(input.body as never, once),
  }),
  defineOperation({
    name: 'sessions',
    method: 'get',
    path: '/v1/sessions',
    summary: 'Lists sessions, oldest first.',
    query: operationListQuerySchema('delegation', 'endUser'),
    result: operationPageSchema(sessionSchema),
    repeat: 'safe',
    handle: ({ bursar, input }) =>
      bursar.management.sessions(readOperationFilter(input), readOperationPageRequest(input)),
  }),
  defineOperation({
    name: 'session',
    method: 'get',
    path: '/v1/sessions/{session}',
    summary: 'Reads one session.',
    result: sessionSchema,
    repeat: 'safe',
    handle: ({ bursar, input }) =>
      bursar.management.session(readOperationPathParameter(input, 'session')),
  }),
  defineOperation({
    name: 'changeSession',
    method: 'patch',
    path: '/v1/sessions/{session}',
    summary: 'Changes the limits, the expiry or the merchants of a session within its delegation.',
    body: inputs.changeSession,
    result: sessionSchema,
    repeat: 'key',
    handle: ({ bursar, input, once }) =>
      bursar.management.changeSession(
        readOperationPathParameter(input, 'session'),
        input.body as never,
        once,
      ),
  }),
  defineOperation({
    name: 'revokeSession',
    method: 'post',
    path: '/v1/sessions/{session}/revoke',
    summary: 'Ends a session for good. No new payment is reserved from then on.',
    body: inputs.reason,
    result: sessionSchema,
    repeat: 'state',
    handle: ({ bursar, input }) =>
      bursar.management.revokeSession(
        readOperationPathParameter(input, 'session'),
        input.body as never,
      ),
  }),
  defineOperation({
    name: 'unlockSession',
    method: 'post',
    path: '/v1/sessions/{session}/unlock',
    summary: 'Unlocks a session that an overrun locked.',
    body: inputs.reason,
    result: sessionSchema,
    repeat: 'key',
    handle: ({ bursar, input, once }) => {
      const options = { ...(input.body as object), ...once }
      return bursar.management.unlockSession(readOperationPathParameter(input, 'session'), options)
    },
  }),
  defineOperation({
    name: 'exposure',
    method: 'get',
    path: '/v1/exposure',
    summary:
      'Returns the payments that may be signed and are still open: the most that can still move, and until when.',
    query: z.strictObject({
      session: z.string().optional(),
      delegation: z.string().optional(),
      endUser: z.string().optional(),
    }),
    result: exposureSchema,
    repeat: 'safe',
    handle: ({ bursar, input }) => bursar.management.exposure(readOperationFilter(input)),
  }),
  defineOperation({
    name: 'cancel',
    method: 'post',
    path: '/v1/cancel',
    summary:
      'Asks the rails to cancel signed payments of a session or a delegation that has ended.',
    body: cancelBody,
    result: cancellationSchema,
    repeat: 'state',
    handle: ({ bursar, input }) => bursar.management.cancel(...readCancelInput(input)),
  }),
]
