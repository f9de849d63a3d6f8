import { expect, test } from 'vitest'
import { cedarPolicy } from './cedar-policy.ts'
import { type CedarSource, parseCedarRules } from './cedar-source.ts'
import { paymentSchema } from './payment-schema.ts'

const permit = 'permit(principal, action == Bursar::Action::"pay", resource)'
const policies = `${permit};`
const user = { uid: { type: 'Bursar::User', id: 'a' }, attrs: {}, parents: [] }

test('policies have the names of their annotations, or of their places', () => {
  const rules = parseCedarRules({ policies: `@id("first") ${permit}; ${permit} when { true };` })
  expect(Object.keys(rules.policies)).toEqual(['first', 'policy 2'])
})

test('a path may have letters of any case, and an address lower ones', () => {
  const when = 'context.path == "/0xAB" && context.payee == "0xab" && context.host != "0xAB"'
  expect(() => parseCedarRules({ policies: `${permit} when { ${when} };` })).not.toThrow()
})

test.each<[string, unknown, string]>([
  ['no policies', {}, 'policies: must be a text'],
  ['policies that are none', { policies: '' }, 'policies: there are none'],
  ['only comments', { policies: '// nothing' }, 'policies: there are none'],
  ['a syntax error', { policies: 'permit(principal' }, 'policies: unexpected end of input'],
  ['an unknown attribute', { policies: `${permit} when { context.price < 5 };` }, '`price`'],
  [
    'an unknown action',
    { policies: 'permit(principal, action == Bursar::Action::"buy", resource);' },
    'buy',
  ],
  [
    'an unknown type',
    { policies: 'permit(principal == User::"alice", action, resource);' },
    'User',
  ],
  ['a wrong type', { policies: `${permit} when { context.amountMicro < "5" };` }, 'policy 1: '],
  [
    'a policy that can never apply',
    { policies: `${policies} forbid(principal, action, resource) when { false };` },
    'policy 2: ',
  ],
  [
    'look-alike letters',
    { policies: `${permit} when { context.path == "/\u0430dmin" };` },
    'policy 1: ',
  ],
  [
    'a payee that is not written as payments have it',
    { policies: `forbid(principal, action, resource) when { context.payee == "0xAbc1" };` },
    'policy 1: 0xAbc1 matches no payment. Write addresses in lower case',
  ],
  [
    'an asset that is not written so, among others',
    { policies: `${permit} unless { ["0xab", "0xAB"].contains(context["asset"]) };` },
    'policy 1: 0xAB matches no payment',
  ],
  ['templates', { policies: 'permit(principal == ?principal, action, resource);' }, 'templates'],
  ['one name twice', { policies: `@id("a") ${policies} @id("a") ${policies}` }, 'two are named a'],
  ['too many', { policies: policies.repeat(201) }, 'policies: must be at most 200'],
  [
    'too much text',
    { policies: `${policies} // ${'x'.repeat(200_000)}` },
    'at most 200000 characters',
  ],
  ['a schema that is none', { policies, schema: 'entity' }, 'schema: '],
  ['a schema that is no text', { policies, schema: 5 }, 'schema: must be a text'],
  ['entities that are no list', { policies, entities: 'alice' }, 'entities: must be a list'],
  [
    'too many entities',
    { policies, entities: Array.from({ length: 501 }, () => user) },
    'at most 500',
  ],
  [
    'an entity of no known type',
    { policies, entities: [{ ...user, uid: { type: 'X', id: 'a' } }] },
    'entities: ',
  ],
  [
    'an attribute that no type has',
    { policies, entities: [{ ...user, attrs: { rich: true } }] },
    'entities: ',
  ],
  [
    'one entity twice',
    { policies, entities: [user, { ...user, parents: [{ type: 'Bursar::Group', id: 'g' }] }] },
    'entities: ',
  ],
])('%s is refused, and named', (_what, source, message) => {
  const problem = expect.objectContaining({
    code: 'invalid_input',
    message: expect.stringContaining(message),
  })
  expect(() => parseCedarRules(source as CedarSource)).toThrow(problem)
})

test('says a few problems at once, and how many more there are', () => {
  const wrong = Array.from(
    { length: 4 },
    () => 'permit(principal, action, resource) when { context.x };',
  )
  expect(() => parseCedarRules({ policies: wrong.join('\n') })).toThrow(/; and 3 more\.$/)
})

test('a schema without a place for what a payment is, is refused', () => {
  const schema = paymentSchema.replace('purpose: String,', '')
  expect(() => cedarPolicy({ policies, schema })).toThrow('schema: does not fit a payment')
})
