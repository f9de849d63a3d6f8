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
  const tool = findTool(input)
  return {
    principal,
    resource: tool ?? merchant,
    entities: [
      ...addAgent(entities, principal, user).filter(
        ({ uid }) => !tool || !isSameEntity(readUid(uid), tool),
      ),
      ...(tool ? [makeToolEntity(entities, tool, merchant)] : []),
    ],
    context: {
      amountMicro: toLong(terms.amountMicro, 'the amount'),
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
      at: toDatetime(input.at),
      session: {
        id: input.session,
        remainingMicro: toLong(input.remainingMicro, 'the remaining budget'),
        payments: input.payments,
        expiresAt: toDatetime(input.expiresAt),
      },
    },
  }
}

/**
 * Returns the tool that is called. Returns undefined for a request over HTTP, which has no method
 * `CALL`.
 */
function findTool({ method, path, terms }: PolicyInput): TypeAndId | undefined {
  if (method !== 'CALL') return undefined
  return { type: 'Bursar::Tool', id: `${terms.host}/${decodeURIComponent(path.slice(1))}` }
}

/**
 * Makes the tool's entity. The tool always belongs to the server that offers it, besides its own
 * categories.
 */
function makeToolEntity(
  entities: readonly EntityJson[],
  tool: TypeAndId,
  server: TypeAndId,
): EntityJson {
  const known = entities.find(({ uid }) => isSameEntity(readUid(uid), tool))
  const categories = (known?.parents ?? []).filter((one) => readUid(one).type !== server.type)
  return { uid: tool, attrs: known?.attrs ?? {}, parents: [...categories, server] }
}

/**
 * Adds the agent's entity. The agent always belongs to the user whose money it spends, besides its
 * own groups.
 */
function addAgent(
  entities: readonly EntityJson[],
  agent: TypeAndId,
  user: TypeAndId,
): EntityJson[] {
  const isAgent = ({ uid }: EntityJson): boolean => isSameEntity(readUid(uid), agent)
  const known = entities.find(isAgent)
  const groups = (known?.parents ?? []).filter((parent) => readUid(parent).type !== user.type)
  const own = { uid: agent, attrs: known?.attrs ?? {}, parents: [...groups, user] }
  return [...entities.filter((entity) => !isAgent(entity)), own]
}

function readUid(uid: EntityJson['uid']): TypeAndId {
  return '__entity' in uid ? uid.__entity : uid
}

function isSameEntity(left: TypeAndId, right: TypeAndId): boolean {
  return left.type === right.type && left.id === right.id
}

/** Converts an amount to Cedar's number. Throws a RangeError beyond the exact range of a number. */
function toLong(micro: bigint, subject: string): number {
  const value = Number(micro)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${subject} is too large for a policy`)
  return value
}

function toDatetime(ms: number): CedarValueJson {
  return { __extn: { fn: 'datetime', arg: new Date(ms).toISOString() } }
}
