import type { EndUser } from '@bursar/core'
import {
  approvalShape,
  cancellationShape,
  delegationShape,
  endUserShape,
  exposureShape,
  fundingShape,
  pageShape,
  paymentShape,
  sessionShape,
} from './account-answer.ts'
import { type EndpointOptions, parseEndpoint } from './endpoint.ts'
import { callService, makeCallHeaders, makeCallPath } from './service-call.ts'
import { objectShape, oneOfShape, type Shape } from './shape.ts'

/** An end user's facet over HTTP. It works as `bursar.endUser(id)` does in one process. */
export type RemoteEndUser = Pick<
  EndUser,
  | 'grantDelegation'
  | 'revokeDelegation'
  | 'readPermission'
  | 'funding'
  | 'delegations'
  | 'sessions'
  | 'payments'
  | 'allowAgain'
  | 'exposure'
  | 'cancel'
  | 'setLimits'
  | 'limits'
  | 'approvals'
  | 'approvalOf'
  | 'approve'
  | 'deny'
>

/**
 * Connects the end user whom the key belongs to. Throws `invalid_input` with the name of the
 * unusable field. The facet's calls throw the codes of the service, `service_unreachable` and
 * `service_answer_invalid`.
 *
 * @example
 * ```ts
 * import { connectEndUser } from '@bursar/client'
 *
 * declare const key: string
 *
 * const alice = connectEndUser({ url: 'https://guard.example.com', key })
 * const { rows } = await alice.approvals({ waiting: true })
 * for (const { id } of rows) await alice.deny(id)
 * ```
 */
export function connectEndUser(options: EndpointOptions): RemoteEndUser {
  const endpoint = parseEndpoint(options, 'connectEndUser')
  const read = <Value>(
    shape: Shape<Value>,
    part: string | readonly string[],
    query: Parameters<typeof makeCallPath>[1] = {},
  ): Promise<Value> =>
    callService(endpoint, shape, { method: 'GET', path: makeCallPath(['me', part].flat(), query) })
  const write = <Value>(
    shape: Shape<Value>,
    parts: readonly string[],
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Value> =>
    callService(endpoint, shape, {
      method: 'POST',
      path: makeCallPath(['me', ...parts]),
      body,
      headers,
    })
  return {
    grantDelegation: (input, { idempotencyKey } = {}) =>
      write(delegationShape, ['delegations'], input, makeCallHeaders(idempotencyKey)),
    revokeDelegation: (id, reason = {}) =>
      write(delegationShape, ['delegations', id, 'revoke'], reason),
    readPermission: async (id) => {
      const shape = objectShape({ permission: oneOfShape('granted', 'absent') })
      return (await read(shape, ['delegations', id, 'permission'])).permission
    },
    funding: (instrument) => read(fundingShape, ['instruments', instrument, 'funding']),
    delegations: (page = {}) => read(pageShape(delegationShape), 'delegations', { ...page }),
    sessions: (page = {}) => read(pageShape(sessionShape), 'sessions', { ...page }),
    payments: (page = {}) => read(pageShape(paymentShape), 'payments', { ...page }),
    allowAgain: (id, reason = {}) => write(paymentShape, ['payments', id, 'allow-again'], reason),
    exposure: () => read(exposureShape, 'exposure'),
    cancel: (target, options = {}) =>
      write(cancellationShape, ['cancel'], { ...target, ...options }),
    setLimits: (limits, reason = {}) => write(endUserShape, ['limits'], { limits, ...reason }),
    limits: async () => {
      const shape = objectShape({
        limits: (value: unknown) => (value === null ? null : endUserShape(value)),
      })
      return (await read(shape, 'limits')).limits ?? undefined
    },
    approvals: (filter = {}, page = {}) =>
      read(pageShape(approvalShape), 'approvals', { ...filter, ...page }),
    approvalOf: async (call) => {
      const shape = objectShape({
        approval: (value: unknown) => (value === null ? null : approvalShape(value)),
      })
      return (await read(shape, 'approval', { ...call })).approval ?? undefined
    },
    approve: (id) => write(approvalShape, ['approvals', id, 'approve']),
    deny: (id, reason = {}) => write(approvalShape, ['approvals', id, 'deny'], reason),
  }
}
