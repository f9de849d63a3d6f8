import type { PolicyInput } from '@bursar/core'
import type { CedarValueJson, EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs'

/** A payment as a request to Cedar, for both actions. */
export interface CedarRequest {
  readonly principal: TypeAndId
  readonly resource: TypeAndId
  readonly context: Record<string, CedarValueJson>
  readonly entities: EntityJson[]
}

/** Describes a payment in the terms of `paymentSchema`, with the operator's own entities. */
export function makeCedarRequest(
  input: PolicyInput,
  entities: readonly EntityJson[],
): CedarRequest {
  const { terms } = input
  const principal = { type: 'Bursar::Agent', id: input.agent }
  const user = { type: 'Bursar::User', id: input.endUser }
  const merchant = { type: 'Bursar::Merchant', id: terms.host }
  const tool = findRequestedTool(input)
  return {
    principal,
    resource: tool ?? merchant,
    entities: [
      ...addAgentToRequest(entities, principal, user).filter(
        ({ uid }) => !tool || !isSameRequestEntity(readRequestUid(uid), tool),
      ),
      ...(tool ? [makeRequestToolEntity(entities, tool, merchant)] : []),
    ],
    context: {
      amountMicro: toRequestLong(terms.amountMicro, 'the amount'),
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
      at: toRequestDatetime(input.at),
      session: {
        id: input.session,
        remainingMicro: toRequestLong(input.remainingMicro, 'the remaining budget'),
        payments: input.payments,
        expiresAt: toRequestDatetime(input.expiresAt),
      },
    },
  }
}

/**
 * Returns the tool that is called. Returns undefined for a request over HTTP, which has no method
 * `CALL`.
 */
function findRequestedTool({ method, path, terms }: PolicyInput): TypeAndId | undefined {
  if (method !== 'CALL') return undefined
  return { type: 'Bursar::Tool', id: `${terms.host}/${decodeURIComponent(path.slice(1))}` }
}

/**
 * Makes the tool's entity. The tool always belongs to the server that offers it, besides its own
 * categories.
 */
function makeRequestToolEntity(
  entities: readonly EntityJson[],
  tool: TypeAndId,
  server: TypeAndId,
): EntityJson {
  const known = entities.find(({ uid }) => isSameRequestEntity(readRequestUid(uid), tool))
  const categories = (known?.parents ?? []).filter(
    (one) => readRequestUid(one).type !== server.type,
  )
  return { uid: tool, attrs: known?.attrs ?? {}, parents: [...categories, server] }
}

/**
 * Adds the agent's entity. The agent always belongs to the user whose money it spends, besides its
 * own groups.
 */
function addAgentToRequest(
  entities: readonly EntityJson[],
  agent: TypeAndId,
  user: TypeAndId,
): EntityJson[] {
  const isAgent = ({ uid }: EntityJson): boolean => isSameRequestEntity(readRequestUid(uid), agent)
  const known = entities.find(isAgent)
  const groups = (known?.parents ?? []).filter(
    (parent) => readRequestUid(parent).type !== user.type,
  )
  const own = { uid: agent, attrs: known?.attrs ?? {}, parents: [...groups, user] }
  return [...entities.filter((entity) => !isAgent(entity)), own]
}

function readRequestUid(uid: EntityJson['uid']): TypeAndId {
  return '__entity' in uid ? uid.__entity : uid
}

function isSameRequestEntity(left: TypeAndId, right: TypeAndId): boolean {
  return left.type === right.type && left.id === right.id
}

/** Converts an amount to Cedar's number. Throws a RangeError beyond the exact range of a number. */
function toRequestLong(micro: bigint, subject: string): number {
  const value = Number(micro)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${subject} is too large for a policy`)
  return value
}

function toRequestDatetime(ms: number): CedarValueJson {
  return { __extn: { fn: 'datetime', arg: new Date(ms).toISOString() } }
}
