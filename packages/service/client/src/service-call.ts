import { BursarError } from '@bursar/core/session'
import type { Endpoint } from './endpoint.ts'
import { exchange, exchangeInvalidError, type ServiceRequest } from './exchange.ts'
import { type Shape, ShapeError } from './shape.ts'

/** Reads an answer. Throws `service_answer_invalid` if it has another shape. */
export function readCallAnswer<Value>(shape: Shape<Value>, body: unknown): Value {
  try {
    return shape(body)
  } catch (error) {
    throw error instanceof ShapeError ? exchangeInvalidError() : error
  }
}

/**
 * Carries out an operation that can be sent again, and reads its answer. Throws
 * `service_unreachable` if no answer came.
 */
export async function callService<Value>(
  endpoint: Endpoint,
  shape: Shape<Value>,
  request: Omit<ServiceRequest, 'isRepeatable' | 'body'> & { readonly body?: unknown },
): Promise<Value> {
  const body = request.body === undefined ? undefined : JSON.stringify(request.body)
  const result = await exchange(endpoint, { ...request, body, isRepeatable: true })
  if (result.outcome === 'answered') return readCallAnswer(shape, result.body)
  const cause = result.outcome === 'lost' ? result.cause : undefined
  throw new BursarError('service_unreachable', 'The service did not answer. Try again later.', {
    cause,
  })
}

/**
 * Makes the header of an idempotency key: the caller's key, or a random one for this call's
 * attempts.
 */
export function makeCallHeaders(idempotencyKey: string | undefined): Record<string, string> {
  const key = idempotencyKey ?? crypto.randomUUID() + crypto.randomUUID()
  return { 'idempotency-key': key }
}

/** Makes a path from its parts, with a query of the values that are defined. */
export function makeCallPath(
  parts: readonly string[],
  query: Readonly<Record<string, string | number | boolean | undefined>> = {},
): string {
  const entries = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  )
  const path = `/v1/${parts.map(encodeURIComponent).join('/')}`
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries)}`
}
