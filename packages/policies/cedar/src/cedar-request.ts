import type { PolicyInput } from '@bursar/core'
import type { CedarValueJson, EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs'

/** A payment as Cedar is asked about it: the same for both actions. */
export interface CedarRequest {
  readonly principal: TypeAndId
  readonly resource: TypeAndId
  readonly context: Record<string, CedarValueJson>
  readonly entities: EntityJson[]
}

/** Puts a payment into the words of `paymentSchema`, among the entities that the operator named. */
export function cedarRequest(input: PolicyInput, named: readonly EntityJson[]): CedarRequest {
  const { terms } = input
  const principal = { type: 'Bursar::Agent', id: input.agent }
  const user = { type: 'Bursar::User', id: input.endUser }
  const resource = { type: 'Bursar::Merchant', id: terms.host }
  return {
    principal,
    resource,
    entities: withAgent(named, principal, user),
    context: {
      amountMicro: long(terms.amountMicro, 'the amount'),
      currency: terms.currency,
      rail: terms.rail,
      scheme: terms.scheme,
      network: terms.network,
      asset: terms.asset,
      payee: terms.payee,
      host: terms.host,
      method: input.method,
      path: input.path,
      purpose: input.purpose,
      knownMerchant: input.knownMerchant,
      instrument: input.instrument,
      delegation: input.delegation,
      at: datetime(input.at),
      session: {
        id: input.session,
        remainingMicro: long(input.remainingMicro, 'what is left'),
        payments: input.payments,
        expiresAt: datetime(input.expiresAt),
      },
    },
  }
}

/** The agent of this payment belongs to the user whose money it spends, whatever else it belongs to. */
function withAgent(named: readonly EntityJson[], agent: TypeAndId, user: TypeAndId): EntityJson[] {
  const isAgent = ({ uid }: EntityJson): boolean => same(uidOf(uid), agent)
  const known = named.find(isAgent)
  const groups = (known?.parents ?? []).filter((parent) => uidOf(parent).type !== user.type)
  const own = { uid: agent, attrs: known?.attrs ?? {}, parents: [...groups, user] }
  return [...named.filter((entity) => !isAgent(entity)), own]
}

function uidOf(uid: EntityJson['uid']): TypeAndId {
  return '__entity' in uid ? uid.__entity : uid
}

function same(left: TypeAndId, right: TypeAndId): boolean {
  return left.type === right.type && left.id === right.id
}

/** Cedar counts in 64 bits, but is handed a number: beyond its exact range nothing is decided. */
function long(micro: bigint, what: string): number {
  const value = Number(micro)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${what} is too large for a policy`)
  return value
}

function datetime(ms: number): CedarValueJson {
  return { __extn: { fn: 'datetime', arg: new Date(ms).toISOString() } }
}
