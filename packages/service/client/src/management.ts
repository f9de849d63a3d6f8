import type { Management } from '@bursar/core'
import {
  cancellationShape,
  createdSession,
  exposureShape,
  pageShape,
  sessionShape,
} from './account-answer.ts'
import { type EndpointOptions, endpointOf } from './endpoint.ts'
import { callService, onceHeader, pathOf } from './service-call.ts'

/** What a manager does over HTTP, as `bursar.management` does it in one process. */
export type RemoteManagement = Pick<
  Management,
  | 'createSession'
  | 'changeSession'
  | 'revokeSession'
  | 'unlockSession'
  | 'session'
  | 'sessions'
  | 'exposure'
  | 'cancel'
>

/**
 * Connects a manager. Every write is sent under an idempotency key, the caller's or one of its own, so
 * that its attempts do it once. Throws `invalid_input` with the field; its calls throw the codes of
 * the service, `service_unreachable` and `service_answer_invalid`.
 */
export function connectManagement(options: EndpointOptions): RemoteManagement {
  const endpoint = endpointOf(options, 'connectManagement')
  const changed = (
    method: 'POST' | 'PATCH',
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ) => callService(endpoint, sessionShape, { method, path, body, headers })
  return {
    createSession: (body, { idempotencyKey } = {}) =>
      callService(endpoint, createdSession, {
        method: 'POST',
        path: pathOf(['sessions']),
        body,
        headers: onceHeader(idempotencyKey),
      }),
    changeSession: (id, change, { idempotencyKey } = {}) =>
      changed('PATCH', pathOf(['sessions', id]), change, onceHeader(idempotencyKey)),
    revokeSession: (id, reason = {}) => changed('POST', pathOf(['sessions', id, 'revoke']), reason),
    unlockSession: (id, { idempotencyKey, ...reason } = {}) =>
      changed('POST', pathOf(['sessions', id, 'unlock']), reason, onceHeader(idempotencyKey)),
    session: (id) =>
      callService(endpoint, sessionShape, { method: 'GET', path: pathOf(['sessions', id]) }),
    sessions: (filter = {}, page = {}) =>
      callService(endpoint, pageShape(sessionShape), {
        method: 'GET',
        path: pathOf(['sessions'], { ...filter, ...page }),
      }),
    cancel: (target, options = {}) =>
      callService(endpoint, cancellationShape, {
        method: 'POST',
        path: pathOf(['cancel']),
        body: { ...target, ...options },
      }),
    exposure: (filter = {}) =>
      callService(endpoint, exposureShape, {
        method: 'GET',
        path: pathOf(['exposure'], { ...filter }),
      }),
  }
}
