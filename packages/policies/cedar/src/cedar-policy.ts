import { randomUUID } from 'node:crypto'
import { BursarError, type Policy, type PolicyDecision, type PolicyInput } from '@bursar/core'
import {
  type AuthorizationAnswer,
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
} from '@cedar-policy/cedar-wasm/nodejs'
import { type CedarRequest, cedarRequest } from './cedar-request.ts'
import { type CedarRules, type CedarSource, cedarRules } from './cedar-source.ts'

/** A policy whose rules are Cedar's. */
export interface CedarPolicy extends Policy {
  /** `cedar@` and the SHA-256 of schema, policies and entities: recorded with each reservation. */
  readonly name: string
  /**
   * Puts other rules in the place of the present ones, whole, from the next decision on. Throws
   * `invalid_input`, and then nothing has changed.
   */
  reload(source: CedarSource): void
}

/**
 * Rules of the operator in Cedar: who (agent, user) may pay whom (merchant), for what, and when a human
 * is asked. What no policy permits is denied, a forbid wins, and what cannot be evaluated is denied.
 *
 * Throws `invalid_input` for what Cedar's strict validation does not accept, warnings included.
 *
 * @example
 * const policies = `
 *   @id("small amounts")
 *   permit(principal, action == Bursar::Action::"pay", resource)
 *   when { context.currency == "USD" && context.amountMicro <= 500000 };
 * `
 * createBursar({ ...parts, policies: [cedarPolicy({ policies })] })
 */
export function cedarPolicy(source: CedarSource): CedarPolicy {
  // Cedar keeps what was parsed by a name, for every copy of this package in the process, and never
  // forgets one: each policy has one for its life that no other can have.
  const parsed = `bursar ${randomUUID()}`
  let rules = load(parsed, source)
  return {
    get name() {
      return `cedar@${rules.version}`
    },
    evaluate: (input) => decide(parsed, cedarRequest(input, rules.entities)),
    reload: (next) => {
      rules = load(parsed, next)
    },
  }
}

/** Nothing is put in place before all of it has been found right. */
function load(parsed: string, source: CedarSource): CedarRules {
  const rules = cedarRules(source)
  const trial = `${parsed} on trial`
  parse(trial, rules)
  assertAccepts(trial, rules)
  parse(parsed, rules)
  return rules
}

function parse(name: string, { schema, policies }: CedarRules): void {
  const answers = [
    preparseSchema(name, schema),
    preparsePolicySet(name, { staticPolicies: policies }),
  ]
  const failed = answers.find(({ type }) => type === 'failure')
  if (failed) throw new BursarError('invalid_input', 'cedarPolicy: policies: cannot be parsed.')
}

/** A schema of the operator's own has to have a place for all that a payment is. */
function assertAccepts(name: string, { entities }: CedarRules): void {
  for (const action of ['pay', 'ask'] as const) {
    const answer = authorize(name, action, cedarRequest(sample, entities))
    if (answer.type === 'success') continue
    const said = answer.errors.map(({ message }) => message).join('; ')
    throw new BursarError('invalid_input', `cedarPolicy: schema: does not fit a payment: ${said}.`)
  }
}

/** First whether it may be paid, then whether somebody is asked. An error is never a yes. */
function decide(parsed: string, request: CedarRequest): PolicyDecision {
  const pay = outcomeOf(authorize(parsed, 'pay', request))
  if (!pay.permitted) return { effect: 'deny', reason: pay.reason }
  const ask = outcomeOf(authorize(parsed, 'ask', request))
  if (ask.failed) return { effect: 'deny', reason: ask.reason }
  return ask.permitted ? { effect: 'ask', reason: ask.reason } : { effect: 'allow' }
}

function authorize(
  parsed: string,
  action: 'pay' | 'ask',
  request: CedarRequest,
): AuthorizationAnswer {
  return statefulIsAuthorized({
    ...request,
    action: { type: 'Bursar::Action', id: action },
    preparsedSchemaName: parsed,
    preparsedPolicySetId: parsed,
    validateRequest: true,
  })
}

interface Outcome {
  readonly permitted: boolean
  readonly failed: boolean
  readonly reason: string
}

function outcomeOf(answer: AuthorizationAnswer): Outcome {
  if (answer.type === 'failure') {
    const said = answer.errors.map(({ message }) => message).join('; ')
    return { permitted: false, failed: true, reason: `Cedar could not decide: ${said}` }
  }
  const { decision, diagnostics } = answer.response
  const { reason: by, errors } = diagnostics
  if (errors.length > 0) {
    const said = errors.map(({ policyId, error }) => `${policyId}: ${error.message}`).join('; ')
    return { permitted: false, failed: true, reason: `a policy failed: ${said}` }
  }
  if (by.length === 0) return { permitted: false, failed: false, reason: 'no policy permits it' }
  const permitted = decision === 'allow'
  const verb = permitted ? 'permitted' : 'forbidden'
  return { permitted, failed: false, reason: `${verb} by ${by.join(', ')}` }
}

/** A payment like any other, to try a schema with. */
const sample: PolicyInput = {
  terms: {
    rail: 'x402',
    scheme: 'exact',
    network: 'eip155:8453',
    asset: '0x',
    currency: 'USD',
    atomic: 1n,
    amountMicro: 1n,
    payee: '0x',
    host: 'merchant.example',
    requestHash: '',
  },
  agent: 'agent',
  endUser: 'user',
  instrument: 'instrument',
  delegation: 'delegation',
  session: 'session',
  method: 'GET',
  path: '/',
  purpose: '',
  at: 0,
  remainingMicro: 1n,
  payments: 0,
  expiresAt: 1,
  knownMerchant: false,
}
