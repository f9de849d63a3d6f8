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
  const merchant = { type: 'Bursar::Merchant', id: terms.host }
  const tool = toolOf(input)
  return {
    principal,
    resource: tool ?? merchant,
    entities: [
      ...withAgent(named, principal, user).filter(({ uid }) => !tool || !same(uidOf(uid), tool)),
      ...(tool ? [toolEntity(named, tool, merchant)] : []),
    ],
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
      ...(input.claimedHost === undefined ? {} : { claimedHost: input.claimedHost }),
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

/** The tool that is called; `undefined` for a request over HTTP, which has no method of this name. */
function toolOf({ method, path, terms }: PolicyInput): TypeAndId | undefined {
  if (method !== 'CALL') return undefined
  return { type: 'Bursar::Tool', id: `${terms.host}/${decodeURIComponent(path.slice(1))}` }
}

/** A tool belongs to the server that offers it, whatever else it belongs to. */
function toolEntity(named: readonly EntityJson[], tool: TypeAndId, server: TypeAndId): EntityJson {
  const known = named.find(({ uid }) => same(uidOf(uid), tool))
  const categories = (known?.parents ?? []).filter((one) => uidOf(one).type !== server.type)
  return { uid: tool, attrs: known?.attrs ?? {}, parents: [...categories, server] }
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
