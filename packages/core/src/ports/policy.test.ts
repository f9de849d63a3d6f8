import { describe, expect, test } from 'vitest'
import { fakePolicyInput } from '../testing/fake-policy-input.ts'
import { evaluatePolicies, type Policy, type PolicyDecision } from './policy.ts'

const input = fakePolicyInput()

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
    expect(evaluatePolicies(policies, input)).toEqual({ decision, observations: [] })
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
    const odd = answering('odd', decision)
    expect(evaluatePolicies([allow, odd, allow], input).decision.effect).toBe('deny')
  })

  test.each([
    ['an error', new TypeError('no such field'), 'TypeError: no such field'],
    ['a text', 'boom', 'boom'],
    ['nothing', undefined, 'undefined'],
    ['what has no text', Object.create(null), 'object'],
  ])('that throws %s denies', (_what, thrown, text) => {
    expect(evaluatePolicies([throwing(thrown)], input).decision).toEqual({
      effect: 'deny',
      reason: `policy broken failed: ${text}`,
    })
  })
})
