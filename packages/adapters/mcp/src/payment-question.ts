import type { WaitingApproval } from '@bursar/core/session'
import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import {
  ElicitResultSchema,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js'

/** The second argument of a request handler of the SDK. */
export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>

/** The longest that a client may take to answer: the longest life of an approval request. */
const MAX_QUESTION_MS = 15 * 60_000

/**
 * Asks the person at the client about a payment, by elicitation. Resolves with `retry` or
 * `decline`, or with `none` if the client cannot ask or gives no answer.
 *
 * The answer is never an approval. The client belongs to the agent's side, and can say yes without
 * a person. The end user approves in the application, by their own facet.
 */
export async function askPaymentQuestion(
  server: Server,
  { card }: WaitingApproval,
  extra: Extra,
): Promise<'retry' | 'decline' | 'none'> {
  const { elicitation } = server.getClientCapabilities() ?? {}
  if (!elicitation || (elicitation.url && !elicitation.form)) return 'none'
  const message = [
    `${card.agent} wants to pay ${card.amount} ${card.currency} to ${card.merchant}.`,
    ...(card.sellerSays === undefined ? [] : [`The seller says it is ${card.sellerSays}.`]),
    `For: ${card.resource}`,
    `The agent's own, unchecked reason: ${JSON.stringify(card.agentSays)}`,
    'To allow this payment, approve it in the application where you set the budget. Then accept here to try the payment again. Accepting here alone approves nothing.',
  ].join('\n')
  const params = { message, requestedSchema: { type: 'object' as const, properties: {} } }
  try {
    const { action } = await extra.sendRequest(
      { method: 'elicitation/create', params },
      ElicitResultSchema,
      { signal: extra.signal, timeout: MAX_QUESTION_MS },
    )
    return action === 'accept' ? 'retry' : action === 'decline' ? 'decline' : 'none'
  } catch {
    return 'none'
  }
}
