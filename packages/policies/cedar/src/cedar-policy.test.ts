import { type Policy, shadow } from '@bursar/core'
import { type FakePolicyChanges, fakePolicyInput } from '@bursar/core/testing'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { cedarPolicy } from './cedar-policy.ts'
import { paymentSchema } from './payment-schema.ts'

const anything = 'permit(principal, action == Bursar::Action::"pay", resource);'

function decide(policies: string, changes: FakePolicyChanges = {}) {
  return cedarPolicy({ policies }).evaluate(fakePolicyInput(changes))
}

describe('decisions', () => {
  test('what no policy permits is denied', () => {
    const policies = `permit(principal == Bursar::Agent::"other", action, resource);`
    expect(decide(policies)).toEqual({ effect: 'deny', reason: 'no policy permits it' })
  })

  test('a forbid wins over every permit, and is named to the operator', () => {
    const policies = `${anything}
      @id("no writing") forbid(principal, action, resource) unless { context.method == "GET" };`
    expect(decide(policies)).toEqual({ effect: 'allow' })
    expect(decide(policies, { method: 'POST' })).toEqual({
      effect: 'deny',
      reason: 'forbidden by no writing',
    })
  })

  test('where asking is permitted as well, a human is asked', () => {
    const policies = `${anything}
      @id("over a dollar") permit(principal, action == Bursar::Action::"ask", resource)
      when { context.amountMicro > 1000000 };`
    expect(decide(policies, { terms: { amountMicro: 1_000_000n } })).toEqual({ effect: 'allow' })
    expect(decide(policies, { terms: { amountMicro: 1_000_001n } })).toEqual({
      effect: 'ask',
      reason: 'permitted by over a dollar',
    })
  })

  test('asking alone permits no payment', () => {
    expect(decide('permit(principal, action == Bursar::Action::"ask", resource);').effect).toBe(
      'deny',
    )
  })

  test.each([
    ['the payment', 'pay'],
    ['the question', 'ask'],
  ])('an error in %s is a deny, also of a policy that would forbid', (_what, action) => {
    const policies = `${anything}
      @id("overflows") forbid(principal, action == Bursar::Action::"${action}", resource)
      when { context.amountMicro * 9223372036854775807 > 5 };`
    const decision = decide(policies)
    expect(decision).toMatchObject({
      effect: 'deny',
      reason: expect.stringContaining('a policy failed: overflows: '),
    })
  })

  test('an amount that Cedar cannot hold exactly is decided by nobody', () => {
    const huge = { terms: { amountMicro: 2n ** 53n } }
    expect(() => decide(anything, huge)).toThrow('too large')
    expect(
      shadow(cedarPolicy({ policies: anything })).evaluate(fakePolicyInput(huge)),
    ).toMatchObject({ observed: { effect: 'deny' } })
  })
})

describe('what policies can look at', () => {
  test.each<[string, FakePolicyChanges]>([
    ['principal == Bursar::Agent::"writer"', { agent: 'writer' }],
    ['principal in Bursar::User::"bob"', { endUser: 'bob' }],
    ['resource == Bursar::Merchant::"data.example"', { terms: { host: 'data.example' } }],
    [
      'resource == Bursar::Tool::"market/get quote"',
      { method: 'CALL', path: '/get%20quote', terms: { host: 'market' } },
    ],
    [
      'resource in Bursar::Merchant::"market"',
      { method: 'CALL', path: '/any', terms: { host: 'market' } },
    ],
    ['resource is Bursar::Tool', { method: 'CALL' }],
    ['context.host like "*.example.org"', { terms: { host: 'a.example.org' } }],
    ['context.payee == "0x99"', { terms: { payee: '0x99' } }],
    ['context.network == "eip155:8453"', { terms: { network: 'eip155:8453' } }],
    ['context.asset == "0x88"', { terms: { asset: '0x88' } }],
    ['context.currency == "EUR"', { terms: { currency: 'EUR' } }],
    ['context.rail == "x402"', { terms: { rail: 'x402' } }],
    ['context.scheme == "upto"', { terms: { scheme: 'upto' } }],
    ['context.amountMicro == 7', { terms: { amountMicro: 7n } }],
    ['context.method == "POST"', { method: 'POST' }],
    ['context.path like "/v1/*"', { path: '/v1/quote' }],
    ['context.purpose == "to know"', { purpose: 'to know' }],
    ['!context.knownMerchant', { knownMerchant: false }],
    [
      'context has claimedHost && context.claimedHost == "bank.example"',
      { claimedHost: 'bank.example' },
    ],
    ['context.instrument == "bob-wallet"', { instrument: 'bob-wallet' }],
    ['context.delegation == "del_2"', { delegation: 'del_2' }],
    ['context.session.id == "ses_2"', { session: 'ses_2' }],
    ['context.session.remainingMicro < 0', { remainingMicro: -1n }],
    ['context.session.payments >= 3', { payments: 3 }],
    [
      'context.session.expiresAt.durationSince(context.at) < duration("5m")',
      { expiresAt: Date.UTC(2030, 0, 1, 12, 4) },
    ],
    ['context.at.toTime() >= duration("20h")', { at: Date.UTC(2029, 11, 31, 20) }],
  ])('%s', (condition, changes) => {
    const policies = `permit(principal, action == Bursar::Action::"pay", resource) when { ${condition} };`
    expect([decide(policies).effect, decide(policies, changes).effect]).toEqual(['deny', 'allow'])
  })

  test('groups and categories come from the entities that the operator names', () => {
    const entity = (type: string, id: string, parents: { type: string; id: string }[]) => ({
      uid: { type, id },
      attrs: {},
      parents,
    })
    const policy = cedarPolicy({
      policies: `permit(principal in Bursar::Group::"interns", action == Bursar::Action::"pay",
        resource in Bursar::Category::"news");`,
      entities: [
        entity('Bursar::User', 'alice', [{ type: 'Bursar::Group', id: 'interns' }]),
        entity('Bursar::Agent', 'researcher', [{ type: 'Bursar::User', id: 'mallory' }]),
        entity('Bursar::Merchant', 'shop.example', [{ type: 'Bursar::Category', id: 'news' }]),
      ],
    })
    const effectOf = (changes: FakePolicyChanges) =>
      policy.evaluate(fakePolicyInput(changes)).effect
    expect(effectOf({})).toBe('allow')
    expect(effectOf({ endUser: 'bob' })).toBe('deny')
    expect(effectOf({ terms: { host: 'other.example' } })).toBe('deny')
  })

  test('a tool is not its server, and belongs to no other', () => {
    const call = { method: 'CALL', path: '/quote', terms: { host: 'market' } }
    const effectOf = (scope: string, category: string) =>
      cedarPolicy({
        policies: `permit(principal, action == Bursar::Action::"pay", ${scope});`,
        entities: [
          {
            uid: { type: 'Bursar::Tool', id: 'market/quote' },
            attrs: {},
            parents: [
              { type: 'Bursar::Merchant', id: 'other' },
              { type: 'Bursar::Category', id: category },
            ],
          },
        ],
      }).evaluate(fakePolicyInput(call)).effect
    expect(effectOf('resource == Bursar::Merchant::"market"', 'news')).toBe('deny')
    expect(effectOf('resource in Bursar::Merchant::"other"', 'news')).toBe('deny')
    expect(effectOf('resource in Bursar::Merchant::"market"', 'news')).toBe('allow')
    expect(effectOf('resource in Bursar::Category::"news"', 'news')).toBe('allow')
    expect(effectOf('resource in Bursar::Category::"news"', 'games')).toBe('deny')
  })

  test('an agent spends for the user of the delegation, and for no user that an entity names', () => {
    const policy = cedarPolicy({
      policies: `permit(principal in Bursar::User::"rich", action == Bursar::Action::"pay", resource);`,
      entities: [
        {
          uid: { __entity: { type: 'Bursar::Agent', id: 'researcher' } },
          attrs: {},
          parents: [{ __entity: { type: 'Bursar::User', id: 'rich' } }],
        },
      ],
    })
    expect(policy.evaluate(fakePolicyInput()).effect).toBe('deny')
    expect(policy.evaluate(fakePolicyInput({ endUser: 'rich' })).effect).toBe('allow')
  })
})

test('decides as the same rule in TypeScript does', () => {
  const policy = cedarPolicy({
    policies: `permit(principal, action == Bursar::Action::"pay", resource)
      when { context.amountMicro <= 500000 && context.session.payments < 10 };
      forbid(principal, action, resource) when { context.host == "bad.example" };
      permit(principal, action == Bursar::Action::"ask", resource)
      when { !context.knownMerchant || context.amountMicro > 100000 };`,
  })
  const expected = (micro: bigint, payments: number, host: string, known: boolean): string => {
    if (micro > 500_000n || payments >= 10 || host === 'bad.example') return 'deny'
    return !known || micro > 100_000n ? 'ask' : 'allow'
  }
  const edges = fc.constantFrom(0n, 1n, 100_000n, 100_001n, 500_000n, 500_001n)
  fc.assert(
    fc.property(
      fc.oneof(edges, fc.bigInt(0n, 1_000_000n)),
      fc.nat(20),
      fc.constantFrom('bad.example', 'good.example'),
      fc.boolean(),
      (amountMicro, payments, host, knownMerchant) => {
        const input = fakePolicyInput({ payments, knownMerchant, terms: { amountMicro, host } })
        const { effect } = policy.evaluate(input)
        expect(effect).toBe(expected(amountMicro, payments, host, knownMerchant))
      },
    ),
  )
})

describe('versions', () => {
  const nothing = 'forbid(principal, action, resource);'

  test('the name is a hash of schema, policies and entities', () => {
    const nameOf = (source: Parameters<typeof cedarPolicy>[0]): string => cedarPolicy(source).name
    const names = [
      nameOf({ policies: anything }),
      nameOf({ policies: nothing }),
      nameOf({ policies: anything, schema: `${paymentSchema} entity Other;` }),
      nameOf({
        policies: anything,
        entities: [{ uid: { type: 'Bursar::User', id: 'a' }, attrs: {}, parents: [] }],
      }),
    ]
    expect(names.every((name) => /^cedar@[0-9a-f]{64}$/.test(name))).toBe(true)
    expect(new Set(names).size).toBe(4)
    expect(nameOf({ policies: anything })).toBe(names[0])
  })

  test('a reload holds from the next decision on, and disturbs no other policy', () => {
    const first = cedarPolicy({ policies: anything })
    const second = cedarPolicy({ policies: anything })
    const before = first.name
    first.reload({ policies: nothing })
    expect(first.evaluate(fakePolicyInput()).effect).toBe('deny')
    expect(second.evaluate(fakePolicyInput()).effect).toBe('allow')
    expect([first.name === before, second.name === before]).toEqual([false, true])
  })

  test('two copies of this package over one Cedar do not take each other’s rules', async () => {
    const copyOf = async () => {
      vi.resetModules()
      return (await import('./cedar-policy.ts')).cedarPolicy
    }
    const [ours, theirs] = [await copyOf(), await copyOf()]
    expect(ours).not.toBe(theirs)
    const policies = [ours({ policies: nothing }), theirs({ policies: anything })]
    const effects = policies.map((policy) => policy.evaluate(fakePolicyInput()).effect)
    expect(effects).toEqual(['deny', 'allow'])
  })

  test('a reload that is refused changes nothing', () => {
    const policy: Policy & { reload(source: object): void } = cedarPolicy({ policies: anything })
    const before = policy.name
    for (const source of [
      { policies: 'permit(' },
      { policies: `${nothing} permit(principal, action, resource) when { context.nothing };` },
      { policies: nothing, schema: 'entity' },
      {
        policies: nothing,
        entities: [{ uid: { type: 'Nobody', id: 'x' }, attrs: {}, parents: [] }],
      },
    ]) {
      expect(() => policy.reload(source)).toThrow('cedarPolicy: ')
      expect(policy.name).toBe(before)
      expect(policy.evaluate(fakePolicyInput())).toEqual({ effect: 'allow' })
    }
  })

  test('entities that the caller changes later are not the ones that were validated', () => {
    const parents: { type: string; id: string }[] = []
    const entities = [{ uid: { type: 'Bursar::User', id: 'alice' }, attrs: {}, parents }]
    const policies = `permit(principal in Bursar::Group::"vip", action, resource);`
    const policy = cedarPolicy({ policies, entities })
    parents.push({ type: 'Bursar::Group', id: 'vip' })
    expect(policy.evaluate(fakePolicyInput()).effect).toBe('deny')
  })
})
