import { randomUUID } from 'node:crypto'
import { BursarError, type Policy, type PolicyDecision, type PolicyInput } from '@bursar/core'
import {
  type AuthorizationAnswer,
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
} from '@cedar-policy/cedar-wasm/nodejs'
import { type CedarRequest, makeCedarRequest } from './cedar-request.ts'
import { type CedarRules, type CedarSource, parseCedarRules } from './cedar-source.ts'

/** A policy whose rules are written in Cedar. */
export interface CedarPolicy extends Policy {
  /** `cedar@` and the SHA-256 of schema, policies and entities. Recorded with each reservation. */
  readonly name: string
  /**
   * Replaces all rules from the next decision on. Throws `invalid_input` for invalid rules, and
   * then changes nothing.
   */
  reload(source: CedarSource): void
}

/**
 * Makes a policy from your rules in Cedar: which agent of which user may pay which merchant, for
 * what, and when a human is asked. Denies a payment that no rule permits, that a rule forbids, or
 * that Cedar cannot evaluate.
 *
 * Throws `invalid_input` if Cedar's strict validation reports an error or a warning.
 *
 * @example
 * ```ts
 * import { cedarPolicy } from '@bursar/policy-cedar'
 *
 * const policy = cedarPolicy({
 *   policies: `
 *     @id("small amounts")
 *     permit(principal, action == Bursar::Action::"pay", resource)
 *     when { context.currency == "USD" && context.amountMicro <= 500000 };
 *   `,
 * })
 * ```
 */
export function cedarPolicy(source: CedarSource): CedarPolicy {
  // Cedar keeps parsed rules by a name for the whole process and never forgets one. Each policy has
  // a name of its own for its life, which no other copy of this package can have.
  const cacheName = `bursar ${randomUUID()}`
  let rules = loadPolicyRules(cacheName, source)
  return {
    get name() {
      return `cedar@${rules.version}`
    },
    evaluate: (input) => decideByCedar(cacheName, makeCedarRequest(input, rules.entities)),
    reload: (next) => {
      rules = loadPolicyRules(cacheName, next)
    },
  }
}

/**
 * Checks all rules under another name first, then puts them in place. Throws `invalid_input` for
 * invalid rules.
 */
function loadPolicyRules(cacheName: string, source: CedarSource): CedarRules {
  const rules = parseCedarRules(source)
  const trial = `${cacheName} on trial`
  parsePolicyRules(trial, rules)
  assertPolicySchemaFits(trial, rules)
  parsePolicyRules(cacheName, rules)
  return rules
}

function parsePolicyRules(name: string, { schema, policies }: CedarRules): void {
  const answers = [
    preparseSchema(name, schema),
    preparsePolicySet(name, { staticPolicies: policies }),
  ]
  const failed = answers.find(({ type }) => type === 'failure')
  if (failed) throw new BursarError('invalid_input', 'cedarPolicy: policies: cannot be parsed.')
}

/** Throws `invalid_input` if the schema has no place for a field of a payment. */
function assertPolicySchemaFits(name: string, { entities }: CedarRules): void {
  for (const action of ['pay', 'ask'] as const) {
    const answer = authorizeByPolicy(name, action, makeCedarRequest(samplePayment, entities))
    if (answer.type === 'success') continue
    const problems = answer.errors.map(({ message }) => message).join('; ')
    throw new BursarError(
      'invalid_input',
      `cedarPolicy: schema: does not fit a payment: ${problems}.`,
    )
  }
}

/** Decides on a payment: first whether to pay, then whether to ask a human. An error denies. */
function decideByCedar(cacheName: string, request: CedarRequest): PolicyDecision {
  const pay = readPolicyOutcome(authorizeByPolicy(cacheName, 'pay', request))
  if (!pay.permitted) return { effect: 'deny', reason: pay.reason }
  const ask = readPolicyOutcome(authorizeByPolicy(cacheName, 'ask', request))
  if (ask.failed) return { effect: 'deny', reason: ask.reason }
  return ask.permitted ? { effect: 'ask', reason: ask.reason } : { effect: 'allow' }
}

function authorizeByPolicy(
  cacheName: string,
  action: 'pay' | 'ask',
  request: CedarRequest,
): AuthorizationAnswer {
  return statefulIsAuthorized({
    ...request,
    action: { type: 'Bursar::Action', id: action },
    preparsedSchemaName: cacheName,
    preparsedPolicySetId: cacheName,
    validateRequest: true,
  })
}

/** The outcome of one action. A failed outcome is never permitted. */
interface Outcome {
  readonly permitted: boolean
  readonly failed: boolean
  readonly reason: string
}

function readPolicyOutcome(answer: AuthorizationAnswer): Outcome {
  if (answer.type === 'failure') {
    const problems = answer.errors.map(({ message }) => message).join('; ')
    return { permitted: false, failed: true, reason: `Cedar could not decide: ${problems}` }
  }
  const { decision, diagnostics } = answer.response
  const { reason: policies, errors } = diagnostics
  if (errors.length > 0) {
    const problems = errors.map(({ policyId, error }) => `${policyId}: ${error.message}`).join('; ')
    return { permitted: false, failed: true, reason: `a policy failed: ${problems}` }
  }
  if (policies.length === 0)
    return { permitted: false, failed: false, reason: 'no policy permits it' }
  const permitted = decision === 'allow'
  const verb = permitted ? 'permitted' : 'forbidden'
  return { permitted, failed: false, reason: `${verb} by ${policies.join(', ')}` }
}

/** An ordinary payment to try a schema with. */
const samplePayment: PolicyInput = {
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
