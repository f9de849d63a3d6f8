import type { Management } from '@bursar/core'
import {
  cancellationShape,
  createdSession,
  exposureShape,
  pageShape,
  sessionShape,
} from './account-answer.ts'
import { type EndpointOptions, parseEndpoint } from './endpoint.ts'
import { callService, makeCallHeaders, makeCallPath } from './service-call.ts'

/** A manager's facet over HTTP. It works as `bursar.management` does in one process. */
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
 * Connects a manager. Sends every write with an idempotency key, yours or a random one, so that
 * repeated attempts take effect once. Throws `invalid_input` with the name of the unusable field.
 * The facet's calls throw the codes of the service, `service_unreachable` and
 * `service_answer_invalid`.
 *
 * @example
 * ```ts
 * import { connectManagement } from '@bursar/client'
 *
 * declare const key: string
 * declare const delegation: string
 * declare const payer: string
 *
 * const management = connectManagement({ url: 'https://guard.example.com', key })
 * const { token } = await management.createSession({
 *   delegation,
 *   payer,
 *   limits: { currency: 'USD', total: '1.00' },
 *   expiresIn: '30m',
 * })
 * ```
 */
export function connectManagement(options: EndpointOptions): RemoteManagement {
  const endpoint = parseEndpoint(options, 'connectManagement')
  const writeSession = (
    method: 'POST' | 'PATCH',
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ) => callService(endpoint, sessionShape, { method, path, body, headers })
  return {
    createSession: (body, { idempotencyKey } = {}) =>
      callService(endpoint, createdSession, {
        method: 'POST',
        path: makeCallPath(['sessions']),
        body,
        headers: makeCallHeaders(idempotencyKey),
      }),
    changeSession: (id, change, { idempotencyKey } = {}) =>
      writeSession(
        'PATCH',
        makeCallPath(['sessions', id]),
        change,
        makeCallHeaders(idempotencyKey),
      ),
    revokeSession: (id, reason = {}) =>
      writeSession('POST', makeCallPath(['sessions', id, 'revoke']), reason),
    unlockSession: (id, { idempotencyKey, ...reason } = {}) =>
      writeSession(
        'POST',
        makeCallPath(['sessions', id, 'unlock']),
        reason,
        makeCallHeaders(idempotencyKey),
      ),
    session: (id) =>
      callService(endpoint, sessionShape, { method: 'GET', path: makeCallPath(['sessions', id]) }),
    sessions: (filter = {}, page = {}) =>
      callService(endpoint, pageShape(sessionShape), {
        method: 'GET',
        path: makeCallPath(['sessions'], { ...filter, ...page }),
      }),
    cancel: (target, options = {}) =>
      callService(endpoint, cancellationShape, {
        method: 'POST',
        path: makeCallPath(['cancel']),
        body: { ...target, ...options },
      }),
    exposure: (filter = {}) =>
      callService(endpoint, exposureShape, {
        method: 'GET',
        path: makeCallPath(['exposure'], { ...filter }),
      }),
  }
}
