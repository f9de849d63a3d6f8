import type { WaitingApproval } from '@bursar/core/session'
import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import {
  ElicitResultSchema,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js'

/** What a handler of the SDK is given besides the request. */
export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>

/** As long as a question lives at most. */
const MAX_QUESTION_MS = 15 * 60_000

/**
 * Shows a question by the client, and resolves with what the person wants: that the call is made
 * again, that it is not paid, or nothing that could be heard.
 *
 * It is never an approval. The client that shows it is the agent's own side: whoever writes the
 * client can say yes without a person. The end user says yes in the application, by their own facet.
 */
export async function askedPerson(
  server: Server,
  { card }: WaitingApproval,
  extra: Extra,
): Promise<'again' | 'no' | 'nothing'> {
  const { elicitation } = server.getClientCapabilities() ?? {}
  if (!elicitation || (elicitation.url && !elicitation.form)) return 'nothing'
  const message = [
    `${card.agent} wants to pay ${card.amount} ${card.currency} to ${card.merchant}.`,
    `For: ${card.resource}`,
    `What the agent says about it, which nobody has checked: ${JSON.stringify(card.agentSays)}`,
    'To allow it, agree in the application in which you gave the allowance, and then accept here: the payment is tried again. Accepting here alone allows nothing.',
  ].join('\n')
  const params = { message, requestedSchema: { type: 'object' as const, properties: {} } }
  try {
    const { action } = await extra.sendRequest(
      { method: 'elicitation/create', params },
      ElicitResultSchema,
      { signal: extra.signal, timeout: MAX_QUESTION_MS },
    )
    return action === 'accept' ? 'again' : action === 'decline' ? 'no' : 'nothing'
  } catch {
    return 'nothing'
  }
}
