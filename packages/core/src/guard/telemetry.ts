import {
  type Attributes,
  type Counter,
  type Histogram,
  metrics,
  type Span,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { formatAmount } from '../money/amount.ts'
import type { ProveResult } from '../session/pay-result.ts'

const scope = '@bursar/core'

/** The bounds of the histogram of amounts, in units of the currency, from a tenth of a cent on. */
const amountBounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 50, 100, 500, 1_000]

interface PayMetrics {
  readonly calls: Counter
  readonly amount: Histogram
  readonly duration: Histogram
  readonly unknownTokens: Counter
}

/** Creates the metrics at each use: an application may register its provider after this is loaded. */
function createTelemetryMetrics(): PayMetrics {
  const meter = metrics.getMeter(scope)
  return {
    calls: meter.createCounter('bursar.pay.calls', {
      description: 'Calls of pay, by outcome and denial code.',
    }),
    amount: meter.createHistogram('bursar.pay.amount', {
      description: 'Amounts that were reserved, in the currency of the session.',
      advice: { explicitBucketBoundaries: amountBounds },
    }),
    duration: meter.createHistogram('bursar.pay.duration', {
      description: 'How long calls of pay took.',
      unit: 'ms',
    }),
    unknownTokens: meter.createCounter('bursar.session.unknown_tokens', {
      description: 'Calls with a token that belongs to no session.',
    }),
  }
}

/**
 * Runs one step in a span of its own, nested under the caller's active span. Errors are recorded on
 * the span by their class and code: a message may hold what a merchant wrote.
 */
export async function runInTelemetrySpan<Result>(
  name: string,
  attributes: Attributes,
  run: (span: Span) => Promise<Result>,
): Promise<Result> {
  return trace.getTracer(scope).startActiveSpan(name, { attributes }, async (active) => {
    try {
      return await run(active)
    } catch (error) {
      active.setStatus({ code: SpanStatusCode.ERROR })
      active.setAttribute('error.type', telemetryErrorType(error))
      throw error
    } finally {
      active.end()
    }
  })
}

/** Counts one finished call of `pay`, and marks its span. */
export function recordTelemetryCall(active: Span, result: ProveResult, durationMs: number): void {
  const code = 'code' in result ? result.code : undefined
  const outcome = { 'bursar.outcome': result.status, ...(code ? { 'bursar.code': code } : {}) }
  active.setAttributes(outcome)
  // A payment without a receipt is open, and its id is needed most there.
  const opened = 'paymentId' in result ? result.paymentId : undefined
  const payment = 'receipt' in result ? result.receipt.paymentId : opened
  if (payment !== undefined) active.setAttribute('bursar.payment.id', payment)
  const { calls, duration } = createTelemetryMetrics()
  calls.add(1, outcome)
  duration.record(durationMs, outcome)
}

/** Records the amount of a reservation. */
export function recordTelemetryAmount(
  active: Span,
  micro: bigint,
  currency: string,
  host: string,
): void {
  active.setAttributes({
    'bursar.amount': formatAmount(micro),
    'bursar.currency': currency,
    'bursar.merchant.host': host,
  })
  createTelemetryMetrics().amount.record(Number(formatAmount(micro)), {
    'bursar.currency': currency,
  })
}

/** Counts a call with a token that belongs to no session. Such a call leaves no audit record. */
export function countUnknownTokens(): void {
  createTelemetryMetrics().unknownTokens.add(1)
}

function telemetryErrorType(error: unknown): string {
  if (error instanceof Error) {
    const code = (error as { code?: unknown }).code
    return typeof code === 'string' ? code : error.name
  }
  return typeof error
}
