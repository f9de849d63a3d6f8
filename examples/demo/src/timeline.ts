import type { ModelResult } from '@bursar/core'
import type { AgentListener, ToolCall } from './agent.ts'
import { type Act, sessionLimits } from './job.ts'
import { figureCell, type Look, type Page, stripControls } from './page.ts'
import type { Prices } from './prices.ts'
import { sessionMinutes } from './world.ts'

const callWidth = 37
const decisionWidth = 42
const amountWidth = 6

const looks: Readonly<Record<ModelResult['status'], Look>> = {
  paid: 'green',
  free: 'green',
  denied: 'red',
  approval_required: 'yellow',
  in_progress: 'yellow',
  in_doubt: 'yellow',
  undelivered: 'yellow',
  failed: 'red',
}

/** Opens a listener that prints each call: request, decision, reason, amount, remaining budget. */
export function openTimeline(page: Page, { priceOf }: Prices): AgentListener {
  return {
    actBegan(act, news) {
      page.line()
      page.line(act.title, 'bold')
      page.row(
        { text: describeSession(act), width: callWidth + decisionWidth + 2, look: 'dim' },
        { text: 'amount', width: amountWidth, look: 'dim', right: true },
        { text: 'left', width: amountWidth, look: 'dim', right: true },
      )
      if (news !== undefined) page.row({ text: `* ${news}`, width: 90, look: 'cyan' })
    },
    modelSpoke(text) {
      page.row({ text: `“${stripControls(text)}”`, width: 90, look: 'cyan' })
    },
    toolAnswered(toolCall) {
      const { result, input } = toolCall
      const price = priceOf(toolCall)
      page.row(
        { text: describeCall(toolCall), width: callWidth },
        { text: describeDecision(result, price), width: decisionWidth, look: looks[result.status] },
        figureCell(price ?? '–', amountWidth),
        figureCell(result.remaining?.amount ?? '–', amountWidth),
      )
      page.row(
        { text: '', width: 0 },
        { text: String(input.purpose ?? ''), width: callWidth - 2, look: 'dim' },
        { text: describeReason(result, price), width: decisionWidth, look: 'dim' },
      )
    },
  }
}

function describeSession({ session }: Act): string {
  const { currency, total, perPayment, payments } = sessionLimits[session]
  const limits = [
    `${total} ${currency}`,
    ...(perPayment === undefined ? [] : [`${perPayment} at a time`]),
    ...(payments === undefined ? [] : [`${payments} payments`]),
    `${sessionMinutes} minutes`,
  ]
  return `session "${session}": ${limits.join(', ')}`
}

function describeCall({ input }: ToolCall): string {
  const url = URL.parse(String(input.url))
  const place = url
    ? `${url.hostname.replace(/\.localhost$/, '')}${url.pathname}${url.search}`
    : String(input.url)
  return `${String(input.method ?? 'GET')} ${place}`
}

function describeDecision(
  { status, code, receipt }: ModelResult,
  price: string | undefined,
): string {
  const again = receipt && price === undefined ? ': by the first call' : ''
  const reason = status === 'denied' && code !== undefined ? `: ${code}` : ''
  return `${status.replaceAll('_', ' ')}${reason}${again}`
}

/** Returns the delivered content if there is any, else the message for the model. */
function describeReason(
  { status, content, message }: ModelResult,
  price: string | undefined,
): string {
  const delivered = status === 'free' || (status === 'paid' && price !== undefined)
  if (!delivered || content === undefined) return message
  const inner = stripControls(content.replace(/<\/?untrusted-content>/g, ''))
  // One line of it, whatever is in it, so that blanks and not the width break the column.
  const shown = `got ${inner}`
  return shown.length > decisionWidth ? `${shown.slice(0, decisionWidth - 1)}…` : shown
}
