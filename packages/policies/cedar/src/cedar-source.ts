import { hash } from 'node:crypto'
import { BursarError } from '@bursar/core'
import {
  checkParseEntities,
  checkParseSchema,
  type DetailedError,
  type EntityJson,
  policySetTextToParts,
  policyToJson,
  validate,
} from '@cedar-policy/cedar-wasm/nodejs'
import { paymentSchema } from './payment-schema.ts'
import { findUnmatchedAddress } from './unmatched-address.ts'

/** The rules of `cedarPolicy`, as texts and JSON of Cedar. */
export interface CedarSource {
  /**
   * Policies in Cedar's language, 1 to 200, in at most 200,000 characters. `@id("name")` names a
   * policy in the operator's reasons. Write addresses in lower case.
   */
  readonly policies: string
  /**
   * The schema that policies are validated against. It must accept every payment that
   * `paymentSchema` accepts.
   *
   * @default paymentSchema
   */
  readonly schema?: string | undefined
  /**
   * Users, agents, merchants and tools with their groups and categories, in Cedar's JSON. At most
   * 500.
   *
   * @default []
   */
  readonly entities?: readonly EntityJson[] | undefined
}

/** A `CedarSource` after parsing and validation. */
export interface CedarRules {
  readonly schema: string
  /** The text of each policy by its name. */
  readonly policies: Readonly<Record<string, string>>
  readonly entities: readonly EntityJson[]
  /** The SHA-256 of schema, policies and entities, in hex. */
  readonly version: string
}

/** The longest text: more than an operator reviews before it decides about money. */
const MAX_TEXT_CHARACTERS = 200_000

/** The most policies. The ledger waits while they are evaluated, and each adds to the wait. */
const MAX_POLICIES = 200

/** The most entities. Cedar gets all of them with every payment. */
const MAX_ENTITIES = 500

/** The most problems in one error. */
const MAX_PROBLEMS = 5

/**
 * Parses and strictly validates the rules. Throws `invalid_input` with the field and its problems.
 */
export function parseCedarRules(source: CedarSource): CedarRules {
  const schema = checkSourceText(source.schema ?? paymentSchema, 'schema')
  const text = checkSourceText(source.policies, 'policies')
  const entities = source.entities ?? []
  if (!Array.isArray(entities)) throw sourceInputError('entities', ['must be a list'])
  if (entities.length > MAX_ENTITIES) {
    throw sourceInputError('entities', [`must be at most ${MAX_ENTITIES}`])
  }
  requireSourceSuccess(checkParseSchema(schema), 'schema')
  const policies = nameSourcePolicies(text)
  const answer = requireSourceSuccess(
    validate({ schema, policies: { staticPolicies: policies } }),
    'policies',
  )
  const findings = [...answer.validationErrors, ...answer.validationWarnings]
  if (findings.length > 0) {
    const problems = findings.map(
      ({ policyId, error }) => `${policyId}: ${describeSourceError(error)}`,
    )
    throw sourceInputError('policies', problems)
  }
  requireSourceSuccess(checkParseEntities({ entities: [...entities], schema }), 'entities')
  const version = hash('sha256', JSON.stringify([schema, text, entities]), 'hex')
  return { schema, policies, entities: structuredClone(entities), version }
}

/** Names each policy by its `@id`, or by its position. */
function nameSourcePolicies(text: string): Readonly<Record<string, string>> {
  const { policies, policy_templates: templates } = requireSourceSuccess(
    policySetTextToParts(text),
    'policies',
  )
  if (templates.length > 0) {
    throw sourceInputError('policies', [
      'templates (?principal, ?resource) are not supported. Write full policies',
    ])
  }
  if (policies.length === 0)
    throw sourceInputError('policies', ['there are none. Permit at least one payment'])
  if (policies.length > MAX_POLICIES)
    throw sourceInputError('policies', [`must be at most ${MAX_POLICIES}`])
  const named = new Map<string, string>()
  policies.forEach((policy, index) => {
    const { json } = requireSourceSuccess(policyToJson(policy), 'policies')
    const name = json.annotations?.id ?? `policy ${index + 1}`
    if (named.has(name)) throw sourceInputError('policies', [`two are named ${name}`])
    const unmatched = findUnmatchedAddress(json.conditions)
    if (unmatched !== undefined) {
      const rule = 'matches no payment. Write addresses in lower case'
      throw sourceInputError('policies', [`${name}: ${unmatched} ${rule}`])
    }
    named.set(name, policy)
  })
  return Object.fromEntries(named)
}

function checkSourceText(value: unknown, field: string): string {
  if (typeof value !== 'string') throw sourceInputError(field, ['must be a text'])
  if (value.length > MAX_TEXT_CHARACTERS) {
    throw sourceInputError(field, [`must be at most ${MAX_TEXT_CHARACTERS} characters`])
  }
  return value
}

/** Returns a successful answer. Throws `invalid_input` with the errors of a failed one. */
function requireSourceSuccess<Answer extends { readonly type: string }>(
  answer: Answer,
  field: string,
): Extract<Answer, { readonly type: 'success' }> {
  if (answer.type === 'success') return answer as Extract<Answer, { readonly type: 'success' }>
  const { errors } = answer as unknown as { readonly errors: readonly DetailedError[] }
  throw sourceInputError(field, errors.map(describeSourceError))
}

function describeSourceError({ message, help }: DetailedError): string {
  return help ? `${message} (${help})` : message
}

function sourceInputError(field: string, problems: readonly string[]): BursarError {
  const listed = problems.slice(0, MAX_PROBLEMS).join('; ')
  const more = problems.length > MAX_PROBLEMS ? `; and ${problems.length - MAX_PROBLEMS} more` : ''
  return new BursarError('invalid_input', `cedarPolicy: ${field}: ${listed}${more}.`)
}
