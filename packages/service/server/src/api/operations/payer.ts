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
  readOperationPathParameter,
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

/** Opens the session of the request's token for the caller. The guard refuses every other payer. */
function openPayerSession({ bursar, caller, sessionToken }: Invocation): PaymentSession {
  return bursar.openSession(sessionToken, { payer: caller.id })
}

/** Reads the arguments of `pay`. A peer that hangs up stops a payment that is not reserved yet. */
function readPayerInput({ input, signal }: Invocation): [PayRequest, Call] {
  const { request, call = {} } = input.body as {
    readonly request: PayRequest
    readonly call?: Omit<Call, 'signal' | 'onProgress'>
  }
  return [request, { ...call, signal }]
}

/** Encodes the body of the merchant's response as base64, for JSON. */
function encodePayerBody(result: PayResult | QuoteResult | ProveResult): unknown {
  if (!('response' in result) || !result.response) return result
  const { body, ...response } = result.response
  return { ...result, response: { ...response, body: Buffer.from(body).toString('base64') } }
}

/** The operations of a payer, which sends its own key and the session's token together. */
export const payerOperations: readonly Operation[] = [
  defineOperation({
    name: 'pay',
    method: 'post',
    path: '/v1/session/pay',
    summary:
      'Fetches a resource, and pays for it if it asks for payment and the guard allows it. A denial is a 200 with a status.',
    body: payBody,
    maxBodyBytes: MAX_PAY_BODY_BYTES,
    result: payResultSchema,
    repeat: 'call',
    inSession: true,
    handle: async (call) =>
      encodePayerBody(await openPayerSession(call).pay(...readPayerInput(call))),
  }),
  defineOperation({
    name: 'quote',
    method: 'post',
    path: '/v1/session/quote',
    summary:
      'Returns what a payment would cost or why it would be denied, without reserving anything.',
    body: payBody,
    maxBodyBytes: MAX_PAY_BODY_BYTES,
    result: quoteResultSchema,
    repeat: 'safe',
    inSession: true,
    handle: async (call) =>
      encodePayerBody(await openPayerSession(call).quote(...readPayerInput(call))),
  }),
  ...payerPayloadOperations(),
  defineOperation({
    name: 'sessionStatus',
    method: 'get',
    path: '/v1/session',
    summary: 'Returns the budget that is left in the session.',
    result: sessionStatusSchema,
    repeat: 'safe',
    inSession: true,
    handle: (call) => openPayerSession(call).status(),
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
      const session = openPayerSession(call)
      await session.close()
      return session.status()
    },
  }),
  defineOperation({
    name: 'openChild',
    method: 'post',
    path: '/v1/session/children',
    summary:
      'Opens a narrower session for a sub-agent. It is bound to the same payer unless you name another.',
    body: inputs.openChild,
    result: openedChildSchema,
    status: 201,
    repeat: 'key',
    inSession: true,
    handle: async (call) => {
      const opened = await openPayerSession(call).openChild(call.input.body as never, call.once)
      return { id: opened.session.id, token: opened.token }
    },
  }),
]

/**
 * Returns the operations for callers that send the paid call themselves, such as a tool call of
 * MCP.
 */
function payerPayloadOperations(): readonly Operation[] {
  return [
    defineOperation({
      name: 'prove',
      method: 'post',
      path: '/v1/session/prove',
      summary:
        'Signs the payload for a tool call that the caller sends itself. Only for payees that the session lists.',
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
        return encodePayerBody(
          await openPayerSession(call).prove(challenge, { ...origin, signal: call.signal }),
        )
      },
    }),
    defineOperation({
      name: 'conclude',
      method: 'post',
      path: '/v1/session/payments/{payment}/conclude',
      summary:
        'Takes the answer to the call that carried a payload, on the server that signed the payload.',
      body: concludeBody,
      maxBodyBytes: MAX_CONCLUDE_BODY_BYTES,
      result: payResultSchema,
      repeat: 'state',
      inSession: true,
      handle: async (call) => {
        const { message } = call.input.body as { readonly message?: unknown }
        return encodePayerBody(
          await openPayerSession(call).conclude(
            readOperationPathParameter(call.input, 'payment'),
            message,
          ),
        )
      },
    }),
  ]
}
