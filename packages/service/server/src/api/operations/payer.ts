import {
  type Call,
  inputs,
  type PaymentSession,
  type PayRequest,
  type PayResult,
  type ProveResult,
  type QuoteResult,
  type ToolChallenge,
} from '@bursar/core'
import {
  defineOperation,
  type Invocation,
  type Operation,
  readPathParameter,
} from '../operation.ts'
import {
  concludeBody,
  openedChildSchema,
  payBody,
  payResultSchema,
  proveBody,
  proveResultSchema,
  quoteResultSchema,
  sessionStatusSchema,
} from '../pay-schema.ts'
import { MAX_CONCLUDE_BODY_BYTES, MAX_PAY_BODY_BYTES } from '../service-limits.ts'

/** The session of the request's token, for the payer that has sent it: for no other it pays. */
function openCallerSession({ bursar, caller, sessionToken }: Invocation): PaymentSession {
  return bursar.openSession(sessionToken, { payer: caller.id })
}

/** What was asked for, as core takes it. A peer that hangs up stops what is not reserved yet. */
function readPayInput({ input, signal }: Invocation): [PayRequest, Call] {
  const { request, call = {} } = input.body as {
    readonly request: PayRequest
    readonly call?: Omit<Call, 'signal' | 'onProgress'>
  }
  return [request, { ...call, signal }]
}

/** The bytes of a response as JSON has them. */
function encodeBody(result: PayResult | QuoteResult | ProveResult): unknown {
  if (!('response' in result) || !result.response) return result
  const { body, ...response } = result.response
  return { ...result, response: { ...response, body: Buffer.from(body).toString('base64') } }
}

/** What a payer does within its session, with its own key and the session's token together. */
export const payerOperations: readonly Operation[] = [
  defineOperation({
    name: 'pay',
    method: 'post',
    path: '/v1/session/pay',
    summary:
      'Fetches a resource, and pays for it if it asks and the guard allows. A refusal is a 200 with a status.',
    body: payBody,
    maxBodyBytes: MAX_PAY_BODY_BYTES,
    result: payResultSchema,
    repeat: 'call',
    inSession: true,
    handle: async (call) => encodeBody(await openCallerSession(call).pay(...readPayInput(call))),
  }),
  defineOperation({
    name: 'quote',
    method: 'post',
    path: '/v1/session/quote',
    summary: 'Asks what paying would do, without reserving or paying anything.',
    body: payBody,
    maxBodyBytes: MAX_PAY_BODY_BYTES,
    result: quoteResultSchema,
    repeat: 'safe',
    inSession: true,
    handle: async (call) => encodeBody(await openCallerSession(call).quote(...readPayInput(call))),
  }),
  ...proofOperations(),
  defineOperation({
    name: 'sessionStatus',
    method: 'get',
    path: '/v1/session',
    summary: 'Tells what is left of the session.',
    result: sessionStatusSchema,
    repeat: 'safe',
    inSession: true,
    handle: (call) => openCallerSession(call).status(),
  }),
  defineOperation({
    name: 'closeSession',
    method: 'post',
    path: '/v1/session/close',
    summary: 'Ends the session for good.',
    result: sessionStatusSchema,
    repeat: 'state',
    inSession: true,
    handle: async (call) => {
      const session = openCallerSession(call)
      await session.close()
      return session.status()
    },
  }),
  defineOperation({
    name: 'openChild',
    method: 'post',
    path: '/v1/session/children',
    summary:
      'Opens a narrower session for a sub-agent, bound to the same payer unless another is named.',
    body: inputs.openChild,
    result: openedChildSchema,
    status: 201,
    repeat: 'key',
    inSession: true,
    handle: async (call) => {
      const opened = await openCallerSession(call).openChild(call.input.body as never, call.once)
      return { id: opened.session.id, token: opened.token }
    },
  }),
]

/** For callers that have to send the paid call themselves, such as a tool call of MCP. */
function proofOperations(): readonly Operation[] {
  return [
    defineOperation({
      name: 'prove',
      method: 'post',
      path: '/v1/session/prove',
      summary:
        'Makes the proof for a tool call that the caller sends itself. Only for payees that the session lists.',
      body: proveBody,
      maxBodyBytes: MAX_PAY_BODY_BYTES,
      result: proveResultSchema,
      repeat: 'call',
      inSession: true,
      handle: async (call) => {
        const { challenge, call: origin = {} } = call.input.body as {
          readonly challenge: ToolChallenge
          readonly call?: Omit<Call, 'signal' | 'onProgress'>
        }
        return encodeBody(
          await openCallerSession(call).prove(challenge, { ...origin, signal: call.signal }),
        )
      },
    }),
    defineOperation({
      name: 'conclude',
      method: 'post',
      path: '/v1/session/payments/{payment}/conclude',
      summary:
        'Says what was answered to the call that carried a proof, to the server that made the proof.',
      body: concludeBody,
      maxBodyBytes: MAX_CONCLUDE_BODY_BYTES,
      result: payResultSchema,
      repeat: 'state',
      inSession: true,
      handle: async (call) => {
        const { message } = call.input.body as { readonly message?: unknown }
        return encodeBody(
          await openCallerSession(call).conclude(readPathParameter(call.input, 'payment'), message),
        )
      },
    }),
  ]
}
