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
  listQuerySchema,
  type Operation,
  pageSchema,
  readFilter,
  readPageRequest,
  readPathParameter,
} from '../operation.ts'

/** Over HTTP no session is without a payer: its token alone must pay nothing. */
const createBody = (inputs.createSession as z.ZodObject).required({ payer: true })

/** What managers do: sessions within delegations. They never pay. */
export const managementOperations: readonly Operation[] = [
  defineOperation({
    name: 'createSession',
    method: 'post',
    path: '/v1/sessions',
    summary: 'Opens a session within a delegation, bound to a payer. Its token is shown here once.',
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
    query: listQuerySchema('delegation', 'endUser'),
    result: pageSchema(sessionSchema),
    repeat: 'safe',
    handle: ({ bursar, input }) =>
      bursar.management.sessions(readFilter(input), readPageRequest(input)),
  }),
  defineOperation({
    name: 'session',
    method: 'get',
    path: '/v1/sessions/{session}',
    summary: 'Reads one session.',
    result: sessionSchema,
    repeat: 'safe',
    handle: ({ bursar, input }) => bursar.management.session(readPathParameter(input, 'session')),
  }),
  defineOperation({
    name: 'changeSession',
    method: 'patch',
    path: '/v1/sessions/{session}',
    summary: 'Narrows, raises or extends a session, within its delegation.',
    body: inputs.changeSession,
    result: sessionSchema,
    repeat: 'key',
    handle: ({ bursar, input, once }) =>
      bursar.management.changeSession(
        readPathParameter(input, 'session'),
        input.body as never,
        once,
      ),
  }),
  defineOperation({
    name: 'revokeSession',
    method: 'post',
    path: '/v1/sessions/{session}/revoke',
    summary: 'Ends a session for good: nothing more is reserved.',
    body: inputs.reason,
    result: sessionSchema,
    repeat: 'state',
    handle: ({ bursar, input }) =>
      bursar.management.revokeSession(readPathParameter(input, 'session'), input.body as never),
  }),
  defineOperation({
    name: 'unlockSession',
    method: 'post',
    path: '/v1/sessions/{session}/unlock',
    summary: 'Lets a session go on that an overrun has locked.',
    body: inputs.reason,
    result: sessionSchema,
    repeat: 'key',
    handle: ({ bursar, input, once }) => {
      const options = { ...(input.body as object), ...once }
      return bursar.management.unlockSession(readPathParameter(input, 'session'), options)
    },
  }),
  defineOperation({
    name: 'exposure',
    method: 'get',
    path: '/v1/exposure',
    summary:
      'Tells what may be signed and is still open: the most that can still move, until when.',
    query: z.strictObject({
      session: z.string().optional(),
      delegation: z.string().optional(),
      endUser: z.string().optional(),
    }),
    result: exposureSchema,
    repeat: 'safe',
    handle: ({ bursar, input }) => bursar.management.exposure(readFilter(input)),
  }),
  defineOperation({
    name: 'cancel',
    method: 'post',
    path: '/v1/cancel',
    summary:
      'Asks the rails to make unusable what was signed within a session or a permission that has ended.',
    body: cancelBody,
    result: cancellationSchema,
    repeat: 'state',
    handle: ({ bursar, input }) => bursar.management.cancel(...readCancelInput(input)),
  }),
]
