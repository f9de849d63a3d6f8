import type { RequestFailure } from '../ledger/failed-request.ts'
import type { OpenCall } from './call-context.ts'

/** Records a request for which nothing was reserved: its answer, or why it has none. The call does not wait. */
export function recordRequest(
  { guard, request, state, ignored }: OpenCall,
  outcome:
    | { readonly type: 'request-answered'; readonly httpStatus: number }
    | { readonly type: 'request-failed'; readonly failure: RequestFailure },
): void {
  const { session, delegation } = state
  const event = {
    ...outcome,
    session: session.id,
    delegation: delegation.id,
    host: request.url.host,
    requestHash: request.hash,
    ...(ignored.length === 0 ? {} : { ignoredArguments: ignored }),
  }
  const change = () => ({ result: undefined, events: [event] })
  const recording = guard.store.commit({ session: session.id }, change, 'soon')
  guard.background.run('record a request', recording)
}

/** Records a request that failed before anything was reserved. */
export function recordFailedRequest(context: OpenCall, failure: RequestFailure): void {
  recordRequest(context, { type: 'request-failed', failure })
}
