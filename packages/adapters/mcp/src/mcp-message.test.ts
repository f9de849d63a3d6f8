import { describe, expect, test } from 'vitest'
import {
  isMcpAnswer,
  isPaymentChallengeMessage,
  type McpMessage,
  parseMcpCancelledId,
  parseMcpToolCall,
  removeMcpReceipts,
} from './mcp-message.ts'

const call = { id: 1, method: 'tools/call', params: { name: 'quote' } }
const challenge = { x402Version: 2, accepts: [] }
const text = (value: unknown) => [{ type: 'text', text: JSON.stringify(value) }]

describe('a call of a tool', () => {
  test('is one with an id and the name of a tool', () => {
    expect(parseMcpToolCall(call)).toBe(call)
    expect(parseMcpToolCall({ ...call, id: 'a' })).toBeDefined()
  })

  test.each([
    undefined,
    null,
    'a text',
    [call],
    { ...call, id: null },
    { ...call, method: 'tools/list' },
    { ...call, params: {} },
    { ...call, params: { name: 7 } },
    // A task's answer comes by other requests, which no payment could be matched with.
    { ...call, params: { name: 'quote', task: { ttl: 60_000 } } },
  ])('is not %j', (message) => {
    expect(parseMcpToolCall(message)).toBeUndefined()
  })

  test('is given up by its id', () => {
    const given = { method: 'notifications/cancelled', params: { requestId: 0 } }
    expect(parseMcpCancelledId(given)).toBe(0)
    expect(parseMcpCancelledId({ ...given, params: {} })).toBeUndefined()
    expect(parseMcpCancelledId(call)).toBeUndefined()
  })

  test('is answered by a message that asks for nothing itself', () => {
    expect([
      isMcpAnswer({ id: 1, result: {} }),
      isMcpAnswer(call),
      isMcpAnswer({ result: {} }),
    ]).toEqual([true, false, false])
  })
})

describe('an answer asks for payment', () => {
  test.each<[string, McpMessage]>([
    ['an error 402', { error: { code: 402 } }],
    [
      'an error result with a challenge',
      { result: { isError: true, structuredContent: challenge } },
    ],
    ['one with it as a text', { result: { isError: true, content: text(challenge) } }],
    ['one in a wrapper', { result: { isError: true, content: text({ 'x402/error': {} }) } }],
  ])('where it is %s', (_what, message) => {
    expect(isPaymentChallengeMessage(message)).toBe(true)
  })

  test.each<[string, McpMessage]>([
    ['a normal result', { result: { structuredContent: challenge, content: text(challenge) } }],
    [
      'a result that calls itself no error',
      { result: { isError: 'true', content: text(challenge) } },
    ],
    ['another error', { error: { code: -32603, data: challenge } }],
    ['an error with 402 as a text', { error: { code: '402' } }],
    ['an ordinary failure', { result: { isError: true, content: text({ sorry: true }) } }],
    [
      'a failure that is no JSON',
      { result: { isError: true, content: [{ type: 'text', text: '{' }] } },
    ],
    [
      'an inherited field',
      { result: { isError: true, structuredContent: Object.create(challenge) } },
    ],
    [
      'a text without an end',
      { result: { isError: true, content: text({ ...challenge, x: 'x'.repeat(65_536) }) } },
    ],
  ])('never where it is %s', (_what, message) => {
    expect(isPaymentChallengeMessage(message)).toBe(false)
  })
})

test('an answer loses what tells of payments, and nothing else', () => {
  const _meta = { 'x402/payment-response': { transaction: '0x1' }, kept: 1 }
  const result = { content: [], _meta }
  expect(removeMcpReceipts({ id: 1, result })).toEqual({
    id: 1,
    result: { content: [], _meta: { kept: 1 } },
  })
  const only = { content: [], _meta: { 'x402/payment-response': {} } }
  expect(removeMcpReceipts({ id: 1, result: only })).toEqual({ id: 1, result: { content: [] } })
  const plain = { id: 1, result: { content: [], _meta: { kept: 1 } } }
  expect(removeMcpReceipts(plain)).toBe(plain)
})
