import { describe, expect, test } from 'vitest'
import { BursarError } from './errors.ts'
import {
  allowHours,
  allowMerchants,
  allowNetworks,
  askAbove,
  evaluatePolicies,
  type Policy,
  type PolicyDecision,
  type PolicyInput,
} from './policy.ts'

const input: PolicyInput = {
  terms: {
    rail: 'fake',
    scheme: 'exact',
    network: 'eip155:8453',
    asset: '0x01',
    currency: 'USD',
    atomic: 10_000n,
    amountMicro: 10_000n,
    payee: '0x02',
    host: 'shop.example',
    requestHash: '00',
  },
  agent: 'researcher',
  endUser: 'alice',
  instrument: 'alice-wallet',
  delegation: 'del_1',
  session: 'ses_1',
  path: '/a',
  purpose: 'x',
  at: Date.UTC(2030, 0, 1, 12),
  remainingMicro: 1_000_000n,
  knownMerchant: true,
}

const answering = (name: string, decision: unknown): Policy => ({
  name,
  evaluate: () => decision as PolicyDecision,
})
const throwing = (thrown: unknown): Policy => ({
  name: 'broken',
  evaluate: () => {
    throw thrown
  },
})
const allow = answering('yes', { effect: 'allow' })
const ask = answering('question', { effect: 'ask', reason: 'who knows' })
const deny = answering('no', { effect: 'deny', reason: 'not today' })
const asked = { effect: 'ask', reason: 'policy question: who knows' }
const denied = { effect: 'deny', reason: 'policy no: not today' }

describe('policies together', () => {
  test.each([
    ['none', [], { effect: 'allow' }],
    ['one that allows', [allow], { effect: 'allow' }],
    ['one that denies', [allow, deny, allow], denied],
    ['one that asks', [allow, ask, allow], asked],
    ['a deny after an ask', [ask, deny], denied],
    ['a deny before an ask', [deny, ask], denied],
    ['two that ask', [ask, answering('other', { effect: 'ask', reason: 'x' })], asked],
  ])('%s', (_what, policies, decision) => {
    expect(evaluatePolicies(policies, input)).toEqual(decision)
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['true', true],
    ['a text', 'allow'],
    ['an unknown effect', { effect: 'permit' }],
    ['no effect', {}],
    ['a promise of a yes', Promise.resolve({ effect: 'allow' })],
  ])('that answers %s denies', (_what, decision) => {
    const { effect } = evaluatePolicies([allow, answering('odd', decision), allow], input)
    expect(effect).toBe('deny')
  })

  test.each([
    ['an error', new TypeError('no such field'), 'TypeError: no such field'],
    ['a text', 'boom', 'boom'],
    ['nothing', undefined, 'undefined'],
    ['what has no text', Object.create(null), 'object'],
  ])('that throws %s denies', (_what, thrown, text) => {
    expect(evaluatePolicies([throwing(thrown)], input)).toEqual({
      effect: 'deny',
      reason: `policy broken failed: ${text}`,
    })
  })
})

const effectOf = (policy: Policy, changed: Partial<PolicyInput>): string =>
  policy.evaluate({ ...input, ...changed }).effect

test('allowMerchants allows the hosts that it names, exactly', () => {
  const policy = allowMerchants(['shop.example', 'shop.example:8443'])
  const hosts = ['shop.example', 'shop.example:8443', 'a.shop.example', 'shop.example.evil', '']
  expect(hosts.map((host) => effectOf(policy, { terms: { ...input.terms, host } }))).toEqual([
    'allow',
    'allow',
    'deny',
    'deny',
    'deny',
  ])
})

test('allowNetworks allows the networks that it names, exactly', () => {
  const policy = allowNetworks(['eip155:8453'])
  const networks = ['eip155:8453', 'eip155:84532', 'eip155:1', 'EIP155:8453']
  expect(
    networks.map((network) => effectOf(policy, { terms: { ...input.terms, network } })),
  ).toEqual(['allow', 'deny', 'deny', 'deny'])
})

describe('allowHours', () => {
  const open = (from: number, until: number): number[] =>
    Array.from({ length: 24 }, (_, hour) => hour).filter((hour) => {
      const policy = allowHours({ from, until })
      const at = Date.UTC(2030, 0, 1, hour)
      const effects = new Set([effectOf(policy, { at }), effectOf(policy, { at: at + 3_599_999 })])
      expect(effects.size).toBe(1)
      return effects.has('allow')
    })

  test('is open from the first millisecond of one hour to the last before the other', () => {
    expect(open(8, 18)).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17])
    expect(open(22, 2)).toEqual([0, 1, 22, 23])
    expect(open(0, 24)).toHaveLength(24)
    expect(open(8, 8)).toEqual([])
  })

  test('is closed at a time that is none', () => {
    expect(effectOf(allowHours({ from: 0, until: 24 }), { at: Number.NaN })).toBe('deny')
  })

  test.each([-1, 25, 1.5, Number.NaN])('%s is no hour', (hour) => {
    expect(codeOf(() => allowHours({ from: hour, until: 8 }))).toBe('invalid_input')
    expect(codeOf(() => allowHours({ from: 8, until: hour }))).toBe('invalid_input')
  })
})

describe('askAbove', () => {
  const policy = askAbove({ currency: 'USD', amount: '0.01' })

  test('asks above its amount and in every other currency', () => {
    const terms = (amountMicro: bigint, currency = 'USD') => ({
      terms: { ...input.terms, amountMicro, currency },
    })
    expect(effectOf(policy, terms(10_000n))).toBe('allow')
    expect(effectOf(policy, terms(10_001n))).toBe('ask')
    expect(effectOf(policy, terms(1n, 'EUR'))).toBe('ask')
  })

  test.each(['', '0', '-1', '1e3'])('%j is no amount', (amount) => {
    expect(codeOf(() => askAbove({ currency: 'USD', amount }))).toBe('invalid_input')
  })
})

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (BursarError.isInstance(error)) return error.code
    throw error
  }
  return 'nothing was thrown'
}
