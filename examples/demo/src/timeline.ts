import type { ModelResult } from '@bursar/core'
import type { AgentListener, Visit } from './agent.ts'
import { type Act, sessionLimits } from './job.ts'
import { figure, type Look, type Page, printable } from './page.ts'
import type { Prices } from './prices.ts'
import { sessionMinutes } from './world.ts'

const asked = 37
const decided = 42
const amount = 6

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

/** Prints what happens while it happens: asked, decided and why, amount, and what is left. */
export function timeline(page: Page, { priceOf }: Prices): AgentListener {
  return {
    actBegan(act, news) {
      page.line()
      page.line(act.title, 'bold')
      page.row(
        { text: sessionText(act), width: asked + decided + 2, look: 'dim' },
        { text: 'amount', width: amount, look: 'dim', right: true },
        { text: 'left', width: amount, look: 'dim', right: true },
      )
      if (news !== undefined) page.row({ text: `* ${news}`, width: 90, look: 'cyan' })
    },
    modelSpoke(text) {
      page.row({ text: `“${printable(text)}”`, width: 90, look: 'cyan' })
    },
    toolAnswered(visit) {
      const { result, input } = visit
      const price = priceOf(visit)
      page.row(
        { text: askedText(visit), width: asked },
        { text: decidedText(result, price), width: decided, look: looks[result.status] },
        figure(price ?? '–', amount),
        figure(result.remaining?.amount ?? '–', amount),
      )
      page.row(
        { text: '', width: 0 },
        { text: String(input.purpose ?? ''), width: asked - 2, look: 'dim' },
        { text: whyText(result, price), width: decided, look: 'dim' },
      )
    },
  }
}

function sessionText({ session }: Act): string {
  const { currency, total, perPayment, payments } = sessionLimits[session]
  const limits = [
    `${total} ${currency}`,
    ...(perPayment === undefined ? [] : [`${perPayment} at a time`]),
    ...(payments === undefined ? [] : [`${payments} payments`]),
    `${sessionMinutes} minutes`,
  ]
  return `session "${session}": ${limits.join(', ')}`
}

function askedText({ input }: Visit): string {
  const url = URL.parse(String(input.url))
  const place = url
    ? `${url.hostname.replace(/\.localhost$/, '')}${url.pathname}${url.search}`
    : String(input.url)
  return `${String(input.method ?? 'GET')} ${place}`
}

function decidedText({ status, code, receipt }: ModelResult, price: string | undefined): string {
  const again = receipt && price === undefined ? ': by the first call' : ''
  const reason = status === 'denied' && code !== undefined ? `: ${code}` : ''
  return `${status.replaceAll('_', ' ')}${reason}${again}`
}

/** What was delivered, where something was; otherwise what the model is told. */
function whyText({ status, content, message }: ModelResult, price: string | undefined): string {
  const delivered = status === 'free' || (status === 'paid' && price !== undefined)
  if (!delivered || content === undefined) return message
  const inner = printable(content.replace(/<\/?untrusted-content>/g, ''))
  // One line of it, whatever is in it, so that blanks and not the width break the column.
  const shown = `got ${inner}`
  return shown.length > decided ? `${shown.slice(0, decided - 1)}…` : shown
}
