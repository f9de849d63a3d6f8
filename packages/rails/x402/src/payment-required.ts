import type { HttpChallenge, McpChallenge } from '@bursar/core'
import { findMcpChallenge } from './mcp-message.ts'
import { type Decoded, readWireHeader, readWireJson, readWireUtf8 } from './wire.ts'

/** The headers that carry a challenge, the one of the protocol first. */
const CHALLENGE_HEADERS = ['payment-required', 'x-payment-required'] as const

/** The longest body that is read as a challenge, in bytes. */
export const MAX_BODY_BYTES = 65_536

/** A challenge's JSON, and where it stood, for people: `The body`, `The header payment-required`. */
export interface PaymentRequired {
  readonly where: string
  readonly decoded: Decoded
}

/**
 * Finds the JSON that asks for payment in a response with status 402.
 *
 * A header comes before the body. One case is turned round: a header that holds an object of version
 * 1, which belongs in the body, gives way to a challenge in the body. A header that cannot be decoded
 * never gives way, because nobody can say what it asked for.
 *
 * Returns undefined if neither has one.
 */
export function findPaymentRequired(
  challenge: Omit<HttpChallenge, 'url'>,
): PaymentRequired | undefined {
  if (challenge.status !== 402) return undefined
  const header = readRequiredInHeader(challenge)
  if (header && !isRequiredInVersion1(header.decoded)) return header
  return readRequiredInBody(challenge) ?? header
}

/** Finds the JSON that asks for payment in the answer to a tool call. Returns undefined if it has none. */
export function findToolPaymentRequired({
  message,
}: Pick<McpChallenge, 'message'>): PaymentRequired | undefined {
  const decoded = findMcpChallenge(message)
  return decoded && { where: 'The answer of the tool', decoded }
}

function readRequiredInHeader({
  headers,
}: Pick<HttpChallenge, 'headers'>): PaymentRequired | undefined {
  const name = CHALLENGE_HEADERS.find((header) => Object.hasOwn(headers, header))
  if (name === undefined) return undefined
  return { where: `The header ${name}`, decoded: readWireHeader(headers[name] ?? '') }
}

function readRequiredInBody({ body }: Pick<HttpChallenge, 'body'>): PaymentRequired | undefined {
  const where = 'The body'
  const text = readWireUtf8(body.subarray(0, MAX_BODY_BYTES))
  if (!text?.includes('"x402Version"')) return undefined
  if (body.length > MAX_BODY_BYTES) {
    return { where, decoded: { problem: `is longer than ${MAX_BODY_BYTES} bytes` } }
  }
  return { where, decoded: readWireJson(text) }
}

function isRequiredInVersion1(decoded: Decoded): boolean {
  if (!('value' in decoded)) return false
  const { value } = decoded
  return typeof value === 'object' && value !== null && Reflect.get(value, 'x402Version') === 1
}
