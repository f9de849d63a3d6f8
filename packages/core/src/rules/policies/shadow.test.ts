import { expect, test } from 'vitest'
import { evaluatePolicies, type Policy, type PolicyDecision } from '../../ports/policy.ts'
import { fakePolicyInput } from '../../testing/fake-policy-input.ts'
import { shadow } from './shadow.ts'

const policyOf = (decide: () => PolicyDecision): Policy => ({ name: 'tried', evaluate: decide })

const verdicts: readonly [string, () => PolicyDecision, object][] = [
  ['allows', () => ({ effect: 'allow' }), { effect: 'allow' }],
  [
    'denies',
    () => ({ effect: 'deny', reason: 'no' }),
    { effect: 'deny', reason: 'policy tried: no' },
  ],
  [
    'asks',
    () => ({ effect: 'ask', reason: 'who' }),
    { effect: 'ask', reason: 'policy tried: who' },
  ],
  [
    'throws',
    () => {
      throw new TypeError('gone')
    },
    { effect: 'deny', reason: 'policy tried failed: TypeError: gone' },
  ],
]

test.each(verdicts)(
  'allows where the policy %s, and says what it would decide',
  (_, decide, seen) => {
    const judgement = evaluatePolicies([shadow(policyOf(decide))], fakePolicyInput())
    expect(judgement.decision.effect).toBe('allow')
    expect(judgement.observations).toEqual([{ policy: 'tried', ...seen }])
  },
)

test('disturbs no other policy, and is recorded beside a refusal', () => {
  const no: Policy = { name: 'no', evaluate: () => ({ effect: 'deny', reason: 'never' }) }
  const tried = shadow(policyOf(() => ({ effect: 'allow' })))
  expect(evaluatePolicies([no, tried], fakePolicyInput())).toEqual({
    decision: { effect: 'deny', reason: 'policy no: never' },
    observations: [{ policy: 'tried', effect: 'allow' }],
  })
})

test('has the name that its policy has now', () => {
  let version = 1
  const policy: Policy = {
    get name() {
      return `rules@${version}`
    },
    evaluate: () => ({ effect: 'allow' }),
  }
  const watched = shadow(policy)
  version = 2
  expect(watched.name).toBe('shadow rules@2')
})
