/** A request for a signature, as far as policies read it. */
export interface PrivyRequest {
  readonly method: string
  readonly params: {
    readonly typed_data: {
      readonly domain: Readonly<Record<string, unknown>>
      readonly types: Readonly<
        Record<string, readonly { readonly name: string; readonly type: string }[]>
      >
      readonly primary_type: string
      readonly message: Readonly<Record<string, unknown>>
    }
  }
}

/** A rule of a policy. It applies if all of its conditions hold. */
export interface PrivyRule {
  readonly id: string
  readonly name: string
  readonly method: string
  readonly action: 'ALLOW' | 'DENY'
  readonly conditions: readonly PrivyCondition[]
}

interface PrivyCondition {
  readonly field: string
  readonly field_source: string
  readonly operator: string
  readonly value: string | readonly string[]
  readonly typed_data?: { readonly primary_type: string }
}

/**
 * Checks whether the rules allow a request. A rule that denies wins. Without a rule that applies,
 * the request is denied.
 */
export function isAllowedByPrivyPolicy(
  rules: readonly PrivyRule[],
  request: PrivyRequest,
  now: number,
): boolean {
  const applicable = rules.filter(
    ({ method, conditions }) =>
      (method === '*' || method === request.method) &&
      conditions.every((condition) => holdsPolicyCondition(condition, request, now)),
  )
  return applicable.length > 0 && applicable.every(({ action }) => action === 'ALLOW')
}

function holdsPolicyCondition(
  condition: PrivyCondition,
  request: PrivyRequest,
  now: number,
): boolean {
  const { domain, message, primary_type: primaryType } = request.params.typed_data
  const { field, field_source: source, operator, value, typed_data: typed } = condition
  switch (source) {
    case 'system':
      return comparePolicyValues(Math.floor(now / 1_000), operator, value)
    case 'ethereum_typed_data_domain':
      return comparePolicyValues(domain[field === 'chain_id' ? 'chainId' : field], operator, value)
    case 'ethereum_typed_data_message':
      return (
        typed?.primary_type === primaryType && comparePolicyValues(message[field], operator, value)
      )
    default:
      return false
  }
}

function comparePolicyValues(
  found: unknown,
  operator: string,
  value: PrivyCondition['value'],
): boolean {
  if (found === undefined) return false
  const left = `${found}`.toLowerCase()
  const right = [value].flat().map((one) => one.toLowerCase())
  switch (operator) {
    case 'eq':
      return right.length === 1 && right[0] === left
    case 'in':
      return right.includes(left)
    case 'lte':
      return right.length === 1 && BigInt(left) <= BigInt(right[0] ?? '')
    case 'lt':
      return right.length === 1 && BigInt(left) < BigInt(right[0] ?? '')
    default:
      return false
  }
}
