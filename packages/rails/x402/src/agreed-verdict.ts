import type { OpenPayment, Verdict } from '@bursar/core'
import type { ChainReader } from './chain-reader.ts'
import { reconcile } from './reconcile.ts'
import { joinEndpointFailures } from './rpc-endpoint.ts'

/** A reader through one endpoint, with the endpoint's name for records. */
export interface NamedReader {
  readonly label: string
  readonly reader: ChainReader
}

/** The endpoints that must agree before a hold is released, if there are as many. */
const RELEASING_ENDPOINTS = 2

/**
 * Proves the outcome of a payment through several endpoints, one of which may lie. Every verdict is read from one
 * endpoint alone.
 *
 * One that proves the settlement is enough: it keeps the money spent. A release gives a budget back while the
 * signature may still be worth money, so that two have to agree, where there are two. Otherwise the payment
 * stays open. Throws `rail_unreachable` if none answers.
 */
export async function proveAgreedVerdict(
  payment: OpenPayment,
  readers: readonly NamedReader[],
): Promise<Verdict> {
  const failures: unknown[] = []
  const released: { readonly label: string; readonly verdict: Verdict }[] = []
  const needed = Math.min(RELEASING_ENDPOINTS, readers.length)
  let open: Verdict | undefined
  for (const { label, reader } of readers) {
    const verdict = await reconcile(payment, reader).catch((error: unknown) => {
      failures.push(error)
      return undefined
    })
    if (verdict?.outcome === 'settled') return namedVerdict(verdict, [label], readers)
    if (verdict?.outcome === 'released') released.push({ label, verdict })
    const first = released[0]
    if (first && released.length === needed) {
      return namedVerdict(first.verdict, released.map(verdictLabelOf), readers)
    }
    open ??= verdict?.outcome === 'open' ? verdict : undefined
  }
  const alone = released[0]
  if (alone) return { outcome: 'open', reason: `Only ${alone.label} says that it is released.` }
  if (open) return open
  throw joinEndpointFailures(failures)
}

function verdictLabelOf({ label }: { readonly label: string }): string {
  return label
}

/** Returns a verdict whose evidence names the endpoints that it comes from, if there are several. */
function namedVerdict(
  verdict: Verdict,
  labels: readonly string[],
  readers: readonly NamedReader[],
): Verdict {
  if (readers.length === 1 || verdict.outcome === 'open') return verdict
  const { evidence } = verdict
  return {
    ...verdict,
    evidence: { ...evidence, reason: `${evidence.reason} ${labels.join('; ')}.` },
  }
}
