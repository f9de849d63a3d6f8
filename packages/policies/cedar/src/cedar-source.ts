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
import { unmatchedAddress } from './unmatched-address.ts'

/** What `cedarPolicy` is made of, as texts and JSON of Cedar. */
export interface CedarSource {
  /** Policies in Cedar's language. `@id("name")` names one in what the operator reads. */
  readonly policies: string
  /** `paymentSchema` if not given. Another one has to accept what that one accepts. */
  readonly schema?: string | undefined
  /** Users, agents and merchants with their groups and categories, in Cedar's JSON. */
  readonly entities?: readonly EntityJson[] | undefined
}

/** `CedarSource`, parsed and validated. */
export interface CedarRules {
  readonly schema: string
  /** By their names. */
  readonly policies: Readonly<Record<string, string>>
  readonly entities: readonly EntityJson[]
  /** SHA-256 over all of it, hex. */
  readonly version: string
}

/** More text than anyone reads before it decides about money. */
const MAX_TEXT_CHARACTERS = 200_000

/** Policies are evaluated while the ledger waits; their cost grows with their number. */
const MAX_POLICIES = 200

/** Entities are handed to Cedar with every payment. */
const MAX_ENTITIES = 500

/** Of what is wrong, this much is said at once. */
const MAX_PROBLEMS = 5

/** Parses and validates strictly. Throws `invalid_input` that names the field and what is wrong in it. */
export function cedarRules(source: CedarSource): CedarRules {
  const schema = textOf(source.schema ?? paymentSchema, 'schema')
  const text = textOf(source.policies, 'policies')
  const entities = source.entities ?? []
  if (!Array.isArray(entities)) throw invalid('entities', ['must be a list'])
  if (entities.length > MAX_ENTITIES) {
    throw invalid('entities', [`must be at most ${MAX_ENTITIES}`])
  }
  succeed(checkParseSchema(schema), 'schema')
  const policies = namedPolicies(text)
  const answer = succeed(validate({ schema, policies: { staticPolicies: policies } }), 'policies')
  const doubts = [...answer.validationErrors, ...answer.validationWarnings]
  if (doubts.length > 0) {
    const problems = doubts.map(({ policyId, error }) => `${policyId}: ${textOfError(error)}`)
    throw invalid('policies', problems)
  }
  succeed(checkParseEntities({ entities: [...entities], schema }), 'entities')
  const version = hash('sha256', JSON.stringify([schema, text, entities]), 'hex')
  return { schema, policies, entities: structuredClone(entities), version }
}

/** Each policy by its `@id`, or by its place. */
function namedPolicies(text: string): Readonly<Record<string, string>> {
  const { policies, policy_templates: templates } = succeed(policySetTextToParts(text), 'policies')
  if (templates.length > 0) {
    throw invalid('policies', ['templates (?principal, ?resource) are filled by nobody here'])
  }
  if (policies.length === 0) throw invalid('policies', ['there are none: nothing could be paid'])
  if (policies.length > MAX_POLICIES) throw invalid('policies', [`at most ${MAX_POLICIES}`])
  const named = new Map<string, string>()
  policies.forEach((policy, place) => {
    const { json } = succeed(policyToJson(policy), 'policies')
    const name = json.annotations?.id ?? `policy ${place + 1}`
    if (named.has(name)) throw invalid('policies', [`two are called ${name}`])
    const unmatched = unmatchedAddress(json.conditions)
    if (unmatched !== undefined) {
      const rule = 'is never what a payment has: write addresses in lower case'
      throw invalid('policies', [`${name}: ${unmatched} ${rule}`])
    }
    named.set(name, policy)
  })
  return Object.fromEntries(named)
}

function textOf(value: unknown, field: string): string {
  if (typeof value !== 'string') throw invalid(field, ['must be a text'])
  if (value.length > MAX_TEXT_CHARACTERS) {
    throw invalid(field, [`must be at most ${MAX_TEXT_CHARACTERS} characters`])
  }
  return value
}

function succeed<Answer extends { readonly type: string }>(
  answer: Answer,
  field: string,
): Extract<Answer, { readonly type: 'success' }> {
  if (answer.type === 'success') return answer as Extract<Answer, { readonly type: 'success' }>
  const { errors } = answer as unknown as { readonly errors: readonly DetailedError[] }
  throw invalid(field, errors.map(textOfError))
}

function textOfError({ message, help }: DetailedError): string {
  return help ? `${message} (${help})` : message
}

function invalid(field: string, problems: readonly string[]): BursarError {
  const said = problems.slice(0, MAX_PROBLEMS).join('; ')
  const more = problems.length > MAX_PROBLEMS ? `; and ${problems.length - MAX_PROBLEMS} more` : ''
  return new BursarError('invalid_input', `cedarPolicy: ${field}: ${said}${more}.`)
}
