import { BursarError } from '@bursar/core/session'
import type { Endpoint } from './endpoint.ts'
import { exchange, invalidAnswer, type ServiceRequest } from './exchange.ts'
import { NotOfShape, type Shape } from './shape.ts'

/** Reads an answer. Throws `service_answer_invalid` for one of another shape. */
export function readAnswer<Value>(shape: Shape<Value>, body: unknown): Value {
  try {
    return shape(body)
  } catch (error) {
    throw error instanceof NotOfShape ? invalidAnswer() : error
  }
}

/** Carries out an operation that can be sent again, and reads its answer. */
export async function callService<Value>(
  endpoint: Endpoint,
  shape: Shape<Value>,
  request: Omit<ServiceRequest, 'isRepeatable' | 'body'> & { readonly body?: unknown },
): Promise<Value> {
  const body = request.body === undefined ? undefined : JSON.stringify(request.body)
  const result = await exchange(endpoint, { ...request, body, isRepeatable: true })
  if (result.outcome === 'answered') return readAnswer(shape, result.body)
  const cause = result.outcome === 'lost' ? result.cause : undefined
  throw new BursarError('service_unreachable', 'The service did not answer.', { cause })
}

/** The header under which a write is done once: the caller's key, or one for this call's attempts. */
export function onceHeader(idempotencyKey: string | undefined): Record<string, string> {
  const key = idempotencyKey ?? crypto.randomUUID() + crypto.randomUUID()
  return { 'idempotency-key': key }
}

/** A path with its parameters, and a query of what is given. */
export function pathOf(
  parts: readonly string[],
  query: Readonly<Record<string, string | number | boolean | undefined>> = {},
): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  )
  const path = `/v1/${parts.map(encodeURIComponent).join('/')}`
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}
